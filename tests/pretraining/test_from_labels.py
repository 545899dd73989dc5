"""Fine-tuning from slide labels: what is drawn, what is learned, and what the card says of it."""

import json
import signal
import textwrap
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from sklearn.linear_model import LogisticRegression

from msfusion_sdk.config import EncoderConfig, PatchConfig
from msfusion_sdk.encoder.backends.devices import Runtime
from msfusion_sdk.encoder.slide_encoder import SlideEncoder
from msfusion_sdk.errors import (
    DegenerateSplitError,
    NonFiniteVectorError,
    TableError,
    WeightsMismatchError,
)
from msfusion_sdk.pretraining.annotated.listing import AnnotatedSlide
from msfusion_sdk.pretraining.checkpoint import TrainingState
from msfusion_sdk.pretraining.slide_labels.bags import Bag, augmented, readable_bags
from msfusion_sdk.pretraining.slide_labels.fine_tune_config import FineTuneConfig
from msfusion_sdk.pretraining.slide_labels.from_labels import pretrain_labels
from msfusion_sdk.pretraining.slide_labels.probe import Probe
from msfusion_sdk.pretraining.slide_labels.training import FineTuning

from ..coarse import NARROWED, narrow_model

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("narrow")]

QUICK = FineTuneConfig(
    epochs=2, patches_per_slide=2, judged_patches=2, slides_per_step=2, peak_rate=2e-5
)


@pytest.fixture(scope="module")
def small_model(narrow: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patches of 128 pixels, as those of all tests, and narrow."""
    patches = PatchConfig(patch_size_px=128, stride_px=256, low_recall=0.0)
    return narrow_model(tmp_path_factory.mktemp("small"), patches)


@pytest.fixture(scope="module")
def trained_model(narrow: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What fine-tuning begins with; nothing here needs that it was trained."""
    patches = PatchConfig(patch_size_px=128, stride_px=128, low_recall=0.0)
    return narrow_model(tmp_path_factory.mktemp("start"), patches)


@pytest.fixture(scope="module")
def tuned(
    labelled_slides: Path, trained_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("tuned")
    return pretrain_labels(
        labelled_slides / "slides.csv", "diagnosis", out, QUICK, start=trained_model, device="cpu"
    )


def _entry(path: Path, mpp: float | None = None) -> AnnotatedSlide:
    return AnnotatedSlide(path.stem, path.stem, path, mpp, "a", None)


def test_a_bag_holds_patches_that_encoding_reads(
    labelled_slides: Path, trained_model: Path
) -> None:
    encoder = SlideEncoder.from_pretrained(trained_model, device="cpu", precision="fp32")
    bag = Bag.of(_entry(labelled_slides / "s0.png", 0.25), encoder.config)
    result = encoder.encode(labelled_slides / "s0.png", mpp=0.25)
    corners = result.patches.select(["x", "y"]).to_pylist()
    assert bag.locations == [(corner["x"], corner["y"]) for corner in corners]
    drawn = bag.draw(5, np.random.default_rng(0))
    assert drawn.shape == (5, 128, 128, 3)
    again = bag.draw(5, np.random.default_rng(0))
    assert np.array_equal(drawn, again)
    assert len(np.unique(drawn.reshape(5, -1), axis=0)) == 5


def test_a_bag_of_all_patches_is_the_slide_vector(labelled_slides: Path, small_model: Path) -> None:
    """The vector that fine-tuning sees is the one that ``encode`` gives."""
    encoder = SlideEncoder.from_pretrained(small_model, device="cpu", precision="fp32")
    bag = Bag.of(_entry(labelled_slides / "s0.png", 0.25), encoder.config)
    run = FineTuning(encoder.model, ["a", "b"], QUICK, Runtime("cpu", "fp32"), "")
    patches = bag.draw(len(bag.locations), np.random.default_rng(0))
    with torch.inference_mode():
        found = run._vector(patches).numpy()
    wanted = encoder.encode(labelled_slides / "s0.png", mpp=0.25).vector
    assert found == pytest.approx(wanted, abs=1e-5)


def test_slides_that_cannot_be_used_are_told_apart(
    small_slide: Path, blank_slide: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.svs"
    broken.write_bytes(small_slide.read_bytes()[:5000])
    entries = [_entry(path) for path in (small_slide, blank_slide, broken)]
    bags, reasons = readable_bags(entries, EncoderConfig(), lambda done, total: None)
    assert [bag.entry.slide_id for bag in bags] == ["small"]
    assert reasons["blank"] == "no tissue found"
    assert reasons["broken"].startswith("[Slide")


def test_a_bag_has_one_stain_and_patches_turned_by_quarters() -> None:
    patch = np.random.default_rng(0).integers(60, 200, (8, 8, 3), dtype=np.uint8)
    turned = augmented(np.stack([patch] * 40), 0.0, np.random.default_rng(1))
    eight = {np.rot90(p, k).tobytes() for p in (patch, patch[:, ::-1]) for k in range(4)}
    found = {one.tobytes() for one in turned}
    assert found == eight
    stained = augmented(np.stack([patch] * 40), 0.3, np.random.default_rng(1))
    assert len({tuple(one.reshape(-1, 3).mean(0)) for one in stained}) == 1


@pytest.mark.parametrize("classes", [2, 3])
def test_the_probe_is_a_logistic_regression(classes: int) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(3, 2, (90, 6)).astype(np.float32)
    codes = np.digitize(vectors[:, 0] + rng.normal(0, 1, 90), np.linspace(2, 4, classes - 1))
    probe = Probe(6, classes)
    probe.fit(vectors, codes)
    centred = vectors - vectors.mean(0)
    standard = centred / centred.std()
    chances = probe(torch.from_numpy(vectors)).softmax(1).detach().numpy()
    candidates = [
        LogisticRegression(C=c, class_weight="balanced", max_iter=2000).fit(standard, codes)
        for c in (0.001, 0.01, 0.1, 1.0)
    ]
    assert any(
        np.allclose(chances, model.predict_proba(standard), atol=2e-3) for model in candidates
    )


def test_gradients_reach_both_networks_and_the_scores(small_slide: Path, small_model: Path) -> None:
    encoder = SlideEncoder.from_pretrained(small_model, device="cpu", precision="fp32")
    bag = Bag.of(_entry(small_slide), encoder.config)
    run = FineTuning(encoder.model, ["a", "b"], QUICK, Runtime("cpu", "fp32"), "")
    # 12 patches: two passes of the model, each in parts that are computed again for gradients.
    run._backward(run._vector(bag.draw(12, np.random.default_rng(0))), 0, 1.0)
    for network in (encoder.model.context, encoder.model.detail):
        for name in ("stem.0.weight", "last_attention.conv.weight"):
            gradient = dict(network.features.named_parameters())[name].grad
            assert gradient is not None
            assert gradient.abs().max() > 0


def test_recomputed_parts_give_the_same_gradients(small_model: Path) -> None:
    model = SlideEncoder.from_pretrained(small_model, device="cpu", precision="fp32").model
    pixels = torch.randint(0, 256, (3, 3, 128, 128), generator=torch.Generator().manual_seed(0))
    gradients = []
    for few in (None, 2):
        model.zero_grad()
        model(pixels, few).vectors.sum().backward()
        gradients.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    for whole, parts in zip(*gradients, strict=True):
        assert torch.allclose(whole, parts, rtol=1e-3, atol=1e-3 * float(whole.abs().max()))


def test_statistics_of_normalisation_layers_stay(tuned: Path, trained_model: Path) -> None:
    before = SlideEncoder.from_pretrained(trained_model, device="cpu").model.state_dict()
    after = SlideEncoder.from_pretrained(tuned, device="cpu").model.state_dict()
    for name, value in before.items():
        if "running" in name:
            assert torch.equal(value, after[name]), name


def test_the_folder_tells_what_was_split_and_scored(tuned: Path) -> None:
    split = pd.read_csv(tuned / "training" / "split.csv")
    assert split["patient_id"].is_unique
    assert set(split["part"]) == {"train", "validation", "test"}
    scores = pd.read_csv(tuned / "training" / "scores.csv")
    assert scores["networks"].tolist() == ["as they were", "fine-tuned"]
    test = pd.read_csv(tuned / "training" / "test.csv")
    assert set(test["slide_id"]) == set(split.loc[split["part"] == "test", "slide_id"])
    assert test[["dots", "stripes"]].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-5)
    card = (tuned / "README.md").read_text()
    assert "The two feature networks of begun-elsewhere, fine-tuned" in card
    assert "| as they were |" in card
    assert "p1" not in card.replace("p1152", "")  # no ids of patients


def test_the_kept_epoch_is_the_best_on_validation(tuned: Path) -> None:
    with safe_open(tuned / "training" / "last.safetensors", framework="pt") as file:
        state = TrainingState(**json.loads(file.metadata()["state"]))
    losses = [row["validation_loss"] for row in state.history]
    assert len(losses) == 3  # epoch 0 is the probe alone
    assert state.best_epoch == int(np.argmin(losses))


def test_networks_that_got_worse_are_given_back_as_they_were(
    labelled_slides: Path, trained_model: Path, tmp_path: Path
) -> None:
    hurried = QUICK.model_copy(update={"epochs": 1, "peak_rate": 3e-3})
    out = pretrain_labels(
        labelled_slides / "slides.csv",
        "diagnosis",
        tmp_path,
        hurried,
        start=trained_model,
        device="cpu",
    )
    assert "unchanged" in (out / "README.md").read_text()
    before = SlideEncoder.from_pretrained(trained_model, device="cpu").model.state_dict()
    after = SlideEncoder.from_pretrained(out, device="cpu").model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


@pytest.mark.posix
@pytest.mark.process
def test_a_killed_run_goes_on_to_the_same_result(
    labelled_slides: Path, trained_model: Path, tuned: Path, tmp_path: Path
) -> None:
    out = tmp_path / "killed"
    script = NARROWED + textwrap.dedent(f"""
        import os, signal
        from msfusion_sdk.pretraining.slide_labels.fine_tune_config import FineTuneConfig
        from msfusion_sdk.pretraining.slide_labels.from_labels import pretrain_labels
        def told(stage, done, total, text):
            if stage == "fine-tuning" and done == total - 1:
                os.kill(os.getpid(), signal.SIGKILL)
        pretrain_labels({str(labelled_slides / "slides.csv")!r}, "diagnosis", {str(out)!r},
            FineTuneConfig.model_validate_json({QUICK.model_dump_json()!r}),
            start={str(trained_model)!r}, device="cpu", progress=told)
    """)
    killed = get_context("forkserver").Process(target=exec, args=(script, {}))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    assert not (out / "config.json").exists()
    pretrain_labels(
        labelled_slides / "slides.csv", "diagnosis", out, QUICK, start=trained_model, device="cpu"
    )
    wanted = pd.read_csv(tuned / "training" / "test.csv")
    found = pd.read_csv(out / "training" / "test.csv")
    pd.testing.assert_frame_equal(found, wanted, rtol=1e-4, atol=1e-4)


def test_a_loss_that_explodes_says_what_to_do(
    labelled_slides: Path, trained_model: Path, tmp_path: Path
) -> None:
    wild = QUICK.model_copy(update={"peak_rate": 1e6})
    with pytest.raises(NonFiniteVectorError, match="lower peak_rate"):
        pretrain_labels(
            labelled_slides / "slides.csv",
            "diagnosis",
            tmp_path,
            wild,
            start=trained_model,
            device="cpu",
        )


def test_another_run_is_not_continued(
    labelled_slides: Path, trained_model: Path, tuned: Path
) -> None:
    other = QUICK.model_copy(update={"seed": 1})
    with pytest.raises(WeightsMismatchError, match="other settings"):
        pretrain_labels(
            labelled_slides / "slides.csv",
            "diagnosis",
            tuned,
            other,
            start=trained_model,
            device="cpu",
        )


def test_too_few_of_a_class_are_named(
    labelled_slides: Path, trained_model: Path, tmp_path: Path
) -> None:
    table = pd.read_csv(labelled_slides / "slides.csv")
    table.head(8).to_csv(tmp_path / "few.csv", index=False)
    with pytest.raises(DegenerateSplitError, match="train part needs 3 slides of each class"):
        pretrain_labels(
            tmp_path / "few.csv", "diagnosis", tmp_path / "out", QUICK, start=trained_model
        )


def test_one_class_is_refused(labelled_slides: Path, trained_model: Path, tmp_path: Path) -> None:
    table = pd.read_csv(labelled_slides / "slides.csv")
    table.assign(diagnosis="same").to_csv(tmp_path / "one.csv", index=False)
    with pytest.raises(TableError, match="needs two"):
        pretrain_labels(
            tmp_path / "one.csv", "diagnosis", tmp_path / "out", QUICK, start=trained_model
        )
