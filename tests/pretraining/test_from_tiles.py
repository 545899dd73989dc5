import signal
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors import safe_open

from msfusion_sdk.config import NetworkConfig
from msfusion_sdk.encoder.backends.devices import Runtime
from msfusion_sdk.encoder.slide_encoder import SlideEncoder
from msfusion_sdk.encoder.weights.encoder_folder import load_model_folder
from msfusion_sdk.errors import TableError, WeightsMismatchError
from msfusion_sdk.pretraining import scores as scores_module
from msfusion_sdk.pretraining import training
from msfusion_sdk.pretraining.augment import AugmentConfig
from msfusion_sdk.pretraining.from_tiles import pretrain_tiles, score_model
from msfusion_sdk.pretraining.index import read_tile_index
from msfusion_sdk.pretraining.train_config import TrainConfig, one_cycle
from msfusion_sdk.pretraining.training import train_network

from ..coarse import NARROWED

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("narrow")]

CPU = Runtime("cpu", "fp32")
ABOUT = "Drawn tiles."


@pytest.fixture(scope="module")
def trained(
    tile_folder: Path, quick_config: TrainConfig, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("model")
    return pretrain_tiles(
        tile_folder,
        out,
        quick_config,
        name="stripes",
        about=ABOUT,
        device="cpu",
        workers=0,
    )


def test_the_result_is_a_model_folder(trained: Path) -> None:
    encoder = SlideEncoder.from_pretrained(trained, device="cpu")
    assert encoder.config.network.classes == ("dots", "stripes")
    assert encoder.config.name == "stripes"


def test_weights_are_stored_in_half_precision(trained: Path) -> None:
    with safe_open(trained / "model.safetensors", framework="np") as file:
        kinds = {file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
    assert kinds == {"F16", "I64"}  # the latter counts batches


def test_the_card_tells_data_scores_floor_and_limits(trained: Path) -> None:
    card = (trained / "README.md").read_text()
    for part in (
        ABOUT,
        "Research use only",
        "| context | clean |",
        "Floor: ",
        "## Limits",
    ):
        assert part in card
    scores = pd.read_csv(trained / "training" / "scores.csv")
    assert f"{scores['balanced_accuracy'].iloc[0]:.3f}" in card


def test_curve_and_split_are_kept(trained: Path) -> None:
    assert (trained / "training" / "curve.png").read_bytes().startswith(b"\x89PNG")
    split = pd.read_csv(trained / "training" / "split.csv", dtype=str)
    assert set(split["part"]) == {"train", "validation", "test"}


def test_a_finished_run_is_not_trained_again(
    trained: Path, tile_folder: Path, quick_config: TrainConfig
) -> None:
    before = (trained / "model.safetensors").read_bytes()
    stages: list[str] = []
    pretrain_tiles(
        tile_folder, trained, quick_config, name="stripes", about=ABOUT, device="cpu", workers=0,
        progress=lambda stage, *_: stages.append(stage),
    )  # fmt: skip
    assert set(stages) == {"scores"}
    assert (trained / "model.safetensors").read_bytes() == before


def test_an_interrupted_run_ends_like_an_undisturbed_one(
    tile_folder: Path, quick_config: TrainConfig, tmp_path: Path
) -> None:
    index, network = read_tile_index(tile_folder), NetworkConfig(classes=("dots", "stripes"))

    def train(out: Path, stop_at: int | None = None) -> dict[str, torch.Tensor]:
        def progress(_: str, done: int, *__: object) -> None:
            if done == stop_at:
                raise KeyboardInterrupt

        result, _ = train_network(
            "context", index, quick_config, network, out, runtime=CPU, workers=0, progress=progress
        )
        return result.state_dict()

    whole = train(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "parts", stop_at=3)  # in the second epoch
    resumed = train(tmp_path / "parts")
    for name, value in whole.items():
        assert torch.allclose(value.float(), resumed[name].float(), atol=1e-4), name


def test_a_run_with_other_settings_is_not_continued(
    tile_folder: Path, quick_config: TrainConfig, trained: Path
) -> None:
    other = quick_config.model_copy(update={"peak_rate": 1e-4})
    with pytest.raises(WeightsMismatchError, match="other settings"):
        pretrain_tiles(tile_folder, trained, other, device="cpu", workers=0)


def test_patience_ends_a_run_and_begins_where_the_rate_falls(
    tile_folder: Path, quick_config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training._Run, "_validate", lambda _: (0.5, 0.7))
    config = quick_config.model_copy(update={"epochs": 9, "patience": 1})
    network = NetworkConfig(classes=("dots", "stripes"))
    index = read_tile_index(tile_folder)
    _, state = train_network("context", index, config, network, tmp_path, runtime=CPU, workers=0)
    # The rate rises for a quarter of 9 epochs, so waiting begins after the second.
    assert (state.best_epoch, state.epoch) == (1, 3)


def test_the_loss_falls(tile_folder: Path, tmp_path: Path) -> None:
    plain = AugmentConfig(match_share=0.0, max_zoom=1.0)
    config = TrainConfig(
        tile_mpp=0.25, epochs=20, batch_size=16, detail_view_px=32, augment=plain, group_weight=0
    )
    network = NetworkConfig(classes=("dots", "stripes"))
    index = read_tile_index(tile_folder)
    _, state = train_network("detail", index, config, network, tmp_path, runtime=CPU, workers=0)
    losses = [row["loss"] for row in state.history]
    # How far differs from run to run by a tenth: sums of many threads have no fixed order.
    assert min(losses[-3:]) < 0.9 * losses[0]


def test_the_second_head_learns_the_groups_through_the_features(
    tile_folder: Path, quick_config: TrainConfig
) -> None:
    index = read_tile_index(tile_folder)
    config = quick_config.model_copy(update={"epochs": 30, "group_weight": 1.0})
    network = NetworkConfig(classes=("dots", "stripes"))
    run = training._Run("detail", index, config, network, CPU, None)
    views, labels, groups = next(iter(run.batches(workers=0)))
    for _ in range(40):
        run.step(views, labels, groups)
    with torch.no_grad():
        guess = run.group_head(run.network.features(views).vectors).argmax(1)
    assert (guess == groups).float().mean() > 0.9


def test_scores_of_all_tiles_have_no_floor(
    trained: Path, few_tiles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scores_module, "CONDITIONS", {"clean": scores_module.CONDITIONS["clean"]})
    scores, floor = score_model(trained, few_tiles, tile_mpp=0.25, everything=True, device="cpu")
    assert floor is None
    assert set(scores["tiles"]) == {8}


def test_tiles_of_unknown_classes_are_not_scored(trained: Path, shared: Path) -> None:
    with pytest.raises(TableError, match="the model knows"):
        score_model(trained, shared / "data" / "tiles" / "lc25000", tile_mpp=0.3)


def test_stored_weights_are_the_trained_ones_rounded(
    trained: Path, tile_folder: Path, quick_config: TrainConfig
) -> None:
    model, _ = load_model_folder(trained)
    index = read_tile_index(tile_folder)
    network = NetworkConfig(classes=("dots", "stripes"))
    kept = trained / "training"
    context, _ = train_network(
        "context", index, quick_config, network, kept / "context", runtime=CPU
    )
    again, _ = train_network(
        "detail", index, quick_config, network, kept / "detail", runtime=CPU, start=context
    )
    wanted = again.state_dict()["features.stem.0.weight"].half().float()
    assert torch.equal(model.detail.state_dict()["features.stem.0.weight"], wanted)


def test_the_rate_rises_to_its_peak_and_falls_to_almost_nothing() -> None:
    rates = [one_cycle(step, 1000, 7e-4) for step in range(1001)]
    top = rates.index(max(rates))
    assert top == 250
    assert rates[top] == pytest.approx(7e-4, rel=1e-3)
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] < 1e-6


@pytest.mark.posix
@pytest.mark.process
def test_a_killed_run_goes_on_to_the_same_curve(
    tile_folder: Path, quick_config: TrainConfig, tmp_path: Path
) -> None:
    config = quick_config.model_copy(update={"epochs": 4})
    (tmp_path / "config.json").write_text(config.model_dump_json())
    program = f"""{NARROWED}
import os, signal
from pathlib import Path
from msfusion_sdk.config import NetworkConfig
from msfusion_sdk.encoder.backends.devices import Runtime
from msfusion_sdk.pretraining.train_config import TrainConfig
from msfusion_sdk.pretraining.index import read_tile_index
from msfusion_sdk.pretraining.training import train_network
def told(stage, done, *_):
    if done == 6:  # two steps an epoch: after the second checkpoint, in the third
        os.kill(os.getpid(), signal.SIGKILL)
train_network(
    "context", read_tile_index(Path({str(tile_folder)!r})),
    TrainConfig.model_validate_json(Path({str(tmp_path / "config.json")!r}).read_text()),
    NetworkConfig(classes=("dots", "stripes")), Path({str(tmp_path / "killed")!r}),
    runtime=Runtime("cpu", "fp32"), workers=0,
    progress=told,
)
"""
    killed = get_context("forkserver").Process(target=exec, args=(program, {}))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    index, network = read_tile_index(tile_folder), NetworkConfig(classes=("dots", "stripes"))
    curves = []
    for name in ("killed", "whole"):
        _, state = train_network(
            "context", index, config, network, tmp_path / name, runtime=CPU, workers=0
        )
        curves.append([row["loss"] for row in state.history])
    assert len(curves[0]) == 4
    assert curves[0] == pytest.approx(curves[1], abs=1e-4)
