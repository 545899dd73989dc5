"""From a folder of labelled tiles to a model folder: ``msfusion pretrain tiles``."""

from pathlib import Path

import pandas as pd
import torch
from matplotlib.figure import Figure

from msfusion_sdk.config import EncoderConfig, NetworkConfig, PatchConfig
from msfusion_sdk.encoder.devices import Runtime, choose_runtime
from msfusion_sdk.encoder.model import TwoScaleModel
from msfusion_sdk.encoder.network import TileClassifier
from msfusion_sdk.encoder.weights import load_model_folder, write_model_folder
from msfusion_sdk.errors import TableError
from msfusion_sdk.files import storing
from msfusion_sdk.pretraining.card import CardFacts, model_card
from msfusion_sdk.pretraining.checkpoint import TrainingState
from msfusion_sdk.pretraining.config import TrainConfig
from msfusion_sdk.pretraining.index import TileIndex, read_tile_index
from msfusion_sdk.pretraining.scores import colour_floor, score_network
from msfusion_sdk.pretraining.training import Progress, train_network
from msfusion_sdk.pretraining.views import Scale

__all__ = ["pretrain_tiles", "score_model", "write_curve"]

SCALES: tuple[Scale, ...] = ("context", "detail")


def pretrain_tiles(
    data: str | Path,
    out: str | Path,
    config: TrainConfig,
    *,
    name: str = "pretrained",
    about: str = "",
    device: str = "auto",
    workers: int = 1,
    progress: Progress | None = None,
) -> Path:
    """Train both networks from labelled tiles and write a model folder.

    The context network starts from random weights, the detail network from the trained
    context network: at half the resolution the same steps cost half as much.

    Parameters
    ----------
    data : path
        A folder per class and ``index.csv`` with the columns class, file, group; see
        ``msfusion_sdk.pretraining.index``.
    out : path
        Becomes the model folder; ``training/`` inside it holds checkpoints, the split, the
        scores and the training curve.  Called again, training goes on where it stopped.
    about : str
        Markdown on the data's origin and licence, put into the model card.
    progress : callable, optional
        Called with (stage, steps done, steps in all, text).

    Returns
    -------
    Path
        The model folder, ready for ``SlideEncoder.from_pretrained``.
    """
    runtime = choose_runtime(device)
    index = read_tile_index(Path(data), seed=config.seed)
    network = NetworkConfig(classes=index.classes)
    training = Path(out) / "training"
    training.mkdir(parents=True, exist_ok=True)
    index.table.to_csv(training / "split.csv", index=False)
    trained: dict[str, TileClassifier] = {}
    states: dict[str, TrainingState] = {}
    for scale in SCALES:
        trained[scale], states[scale] = train_network(
            scale,
            index,
            config,
            network,
            training / scale,
            runtime=runtime,
            start=trained.get("context"),
            workers=workers,
            progress=progress,
        )
    encoder = EncoderConfig(
        name=name, network=network, patches=PatchConfig(target_mpp=config.target_mpp)
    )
    model = _assemble(encoder, trained)
    scores = _scores(model, index, config.tile_mpp, config.target_mpp, runtime, progress)
    scores.to_csv(training / "scores.csv", index=False)
    write_curve(training / "curve.png", states)
    facts = CardFacts(name, about, index, config, states, scores, colour_floor(index, "test"))
    write_model_folder(Path(out), model, encoder, model_card(facts))
    return Path(out)


def score_model(
    model: str | Path,
    data: str | Path,
    *,
    tile_mpp: float,
    seed: int = 0,
    everything: bool = False,
    device: str = "auto",
    progress: Progress | None = None,
) -> tuple[pd.DataFrame, float | None]:
    """Score both networks of a model folder on labelled tiles.

    Parameters
    ----------
    everything : bool
        True scores all tiles of ``data``, for groups that the model never saw; False
        the test groups of the split with this ``seed``.

    Returns
    -------
    scores : DataFrame
        As ``score_network`` gives it, for both networks.
    floor : float or None
        Balanced accuracy of colour statistics on the same tiles; None with ``everything``,
        where no tiles are left to fit them on.

    Raises
    ------
    TableError
        When the classes of the data are not those of the model.
    """
    networks, manifest = load_model_folder(Path(model))
    index = read_tile_index(Path(data), seed=seed)
    classes = manifest.encoder.network.classes
    unknown = sorted(set(index.classes) - set(classes))
    if unknown:
        msg = (
            f"The tiles have the classes {unknown}, and the model knows {list(classes)}. Score it "
            "on its own classes."
        )
        raise TableError(msg)
    table = index.table.assign(part="test") if everything else index.table
    index = TileIndex(index.root, table, classes)
    runtime = choose_runtime(device)
    networks.to(runtime.device)
    target = manifest.encoder.patches.target_mpp
    scores = _scores(networks, index, tile_mpp, target, runtime, progress)
    return scores, None if everything else colour_floor(index, "test")


def _assemble(config: EncoderConfig, trained: dict[str, TileClassifier]) -> TwoScaleModel:
    """Return the two networks as one model, rounded to the half precision it is stored in."""
    model = TwoScaleModel(config)
    with torch.no_grad():
        for scale in SCALES:
            state = trained[scale].state_dict()
            halves = {
                k: v.cpu().half().float() if v.is_floating_point() else v.cpu()
                for k, v in state.items()
            }
            getattr(model, scale).load_state_dict(halves)
    return model.eval()


def _scores(
    model: TwoScaleModel,
    index: TileIndex,
    tile_mpp: float,
    target_mpp: float,
    runtime: Runtime,
    progress: Progress | None,
) -> pd.DataFrame:
    rows = []
    for number, scale in enumerate(SCALES):
        if progress:
            progress("scores", number, len(SCALES), scale)
        network = getattr(model, scale).to(runtime.device)
        rows.append(
            score_network(
                network,
                scale,
                index,
                "test",
                tile_mpp=tile_mpp,
                target_mpp=target_mpp,
                runtime=runtime,
            )
        )
    if progress:
        progress("scores", len(SCALES), len(SCALES), "done")
    return pd.concat(rows, ignore_index=True)


def write_curve(path: Path, states: dict[str, TrainingState]) -> Path:
    """Draw loss and validation score by epoch, a column per network, as PNG."""
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots(2, len(states), sharex="col", squeeze=False)
    for column, (scale, state) in enumerate(states.items()):
        history = pd.DataFrame(state.history)
        upper, lower = axes[:, column]
        upper.plot(history["epoch"], history["loss"], color="tab:blue", label="training")
        upper.plot(
            history["epoch"], history["validation_loss"], color="tab:orange", label="validation"
        )
        upper.legend(frameon=False)
        lower.plot(history["epoch"], history["validation"], color="tab:green")
        lower.axvline(state.best_epoch, color="grey", linestyle=":")
        upper.set(title=f"{scale} network", ylabel="cross-entropy")
        lower.set(xlabel="epoch", ylabel="validation balanced accuracy")
        lower.annotate(
            f"best {state.best_score:.3f}, epoch {state.best_epoch}",
            (0.98, 0.05),
            ha="right",
            xycoords="axes fraction",
        )
    with storing(path) as temporary:
        figure.savefig(temporary, dpi=110)
    return path
