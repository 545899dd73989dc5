"""The attention over frozen networks learns from slides' classes, through maps that are kept."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from msfusion_sdk import SlideEncoder
from msfusion_sdk.errors import NetworkFactsError, StoreFullError
from msfusion_sdk.pretraining.annotated.listing import AnnotatedSlide
from msfusion_sdk.pretraining.slide_labels.bags import Bag
from msfusion_sdk.pretraining.slide_labels.fine_tune_config import FineTuneConfig
from msfusion_sdk.pretraining.slide_labels.from_labels import pretrain_labels
from msfusion_sdk.pretraining.slide_labels.kept_maps import KeptMaps, weighing_by_attention

CONFIG = FineTuneConfig(epochs=6, patience=6, judged_patches=4, peak_rate=0.02)
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("registered")]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory, registered: None) -> Path:
    """Two scales of one frozen network, patches of 128 px at 0.5 µm per pixel."""
    made = SlideEncoder.from_networks("edges", device="cpu", precision="fp32")
    return made.save_pretrained(tmp_path_factory.mktemp("start"))


@pytest.fixture(scope="module")
def trained(labelled_slides: Path, start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained")
    return pretrain_labels(
        labelled_slides / "slides.csv", "diagnosis", out, CONFIG, network=start, about="Dots."
    )


def test_the_attention_is_trained_and_nothing_else(trained: Path, start: Path) -> None:
    after = SlideEncoder.from_pretrained(trained, device="cpu")
    before = SlideEncoder.from_pretrained(start, device="cpu")
    assert after.config.network.attention.trained
    assert after.config.fusion.score == "attention"
    assert after.config.network.detail.weights == before.config.network.detail.weights
    images = torch.randint(0, 256, (4, 3, 64, 64))
    assert after.model.context.features(images).scores.std() > 0
    assert "frozen feature networks" in after._card


def test_no_weights_of_the_networks_are_in_the_checkpoints(trained: Path) -> None:
    (best,) = trained.rglob("best.safetensors")
    with safe_open(best, "pt") as file:
        names = {name.split(".")[0] for name in file.keys()}  # noqa: SIM118  no mapping
    assert names <= {"context", "detail", "probe", "optimiser", "average"}


def test_a_run_that_was_stopped_finds_its_maps_again(
    trained: Path, start: Path, labelled_slides: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KeptMaps, "_maps", lambda *_: pytest.fail("computed again"))
    slides = labelled_slides / "slides.csv"
    again = pretrain_labels(slides, "diagnosis", trained, CONFIG, network=start, about="Dots.")
    assert again == trained


def test_the_vector_of_kept_maps_is_the_one_that_encoding_gives(
    labelled_slides: Path, start: Path, tmp_path: Path
) -> None:
    encoder = SlideEncoder.from_pretrained(start, device="cpu", precision="fp32")
    slide = labelled_slides / "s0.png"
    bag = Bag.of(AnnotatedSlide("s0", "p0", slide, 0.25, "dots", None), encoder.config)
    kept = KeptMaps(encoder.model, tmp_path, patches=99, seed=0, limit_gb=1)
    kept.compute(bag, 1)
    wanted = encoder.encode(slide, mpp=0.25).vector
    assert kept.vector(bag).detach().numpy() == pytest.approx(wanted, rel=2e-3)  # maps are float16


def test_maps_beyond_the_limit_are_refused(
    labelled_slides: Path, start: Path, tmp_path: Path
) -> None:
    with pytest.raises(StoreFullError, match="--cache-gb"):
        pretrain_labels(
            labelled_slides / "slides.csv", "diagnosis", tmp_path, CONFIG, network=start,
            cache_gb=1e-6,
        )  # fmt: skip


def test_the_methods_own_networks_are_not_for_this(small_model: Path) -> None:
    encoder = SlideEncoder.from_pretrained(small_model, device="cpu")
    with pytest.raises(NetworkFactsError, match="--start instead of --network"):
        weighing_by_attention(encoder.model, encoder.config)
