"""``msfusion pretrain tiles``, ``slides``, ``labels`` and ``score``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from msfusion_sdk.cli.pretrain.options import (
    About,
    CacheGb,
    Data,
    Device,
    Folder,
    Name,
    Network,
    Seed,
    Start,
    TileMpp,
    require_fitting,
    text_of,
)
from msfusion_sdk.cli.pretrain.slides import labels, slides
from msfusion_sdk.cli.shared.console import bars, known_words, out

__all__ = ["app"]

app = typer.Typer(help="Train the two networks, and score them.", no_args_is_help=True)


@app.command()
def tiles(
    data: Data,
    tile_mpp: TileMpp,
    folder: Folder,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the images: 150, with --network 40.")
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            help="Stop after so many epochs without a better loss: 40, with --network 10."
        ),
    ] = None,
    view_px: Annotated[
        int | None, typer.Option(help="Edge of training views; 112 and 160 if not given.")
    ] = None,
    background: Annotated[
        str | None, typer.Option(help="Class without the finding; weighs by evidence against it.")
    ] = None,
    name: Name = "pretrained",
    about: About = None,
    start: Start = None,
    network: Network = None,
    cache_gb: CacheGb = None,
    device: Device = "auto",
    seed: Seed = 0,
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="Processes that prepare tiles; 1 if not given, 0 for none."),
    ] = None,
) -> None:
    """Train context and detail network from labelled tiles; run again to go on."""
    require_fitting(network, start, device, cache_gb, view_px=view_px, workers=workers)
    if network is not None:
        given = {"epochs": epochs, "patience": patience, "cache_gb": cache_gb}
        _frozen(data, folder, network, background, name, about, {
            "tile_mpp": tile_mpp, "seed": seed,
            **{key: value for key, value in given.items() if value is not None},
        })  # fmt: skip
        return
    from msfusion_sdk.encoder.weights.hub import locate_model
    from msfusion_sdk.pretraining.from_tiles import pretrain_tiles
    from msfusion_sdk.pretraining.train_config import TrainConfig

    with known_words():
        sides = (
            {}
            if view_px is None
            else {f"{scale}_view_px": view_px for scale in ("context", "detail")}
        )
        config = TrainConfig.model_validate(
            {
                "tile_mpp": tile_mpp,
                "epochs": 150 if epochs is None else epochs,
                "patience": 40 if patience is None else patience,
                "seed": seed,
                **sides,
            }
        )
    with known_words(), bars() as update:
        pretrain_tiles(
            data,
            folder,
            config,
            name=name,
            about=text_of(about),
            background=background,
            start=locate_model(start) if start else None,
            device=device,
            workers=1 if workers is None else workers,
            progress=update,
        )
    out.print(text_of(folder / "README.md"), markup=False)


def _frozen(
    data: Path,
    folder: Path,
    network: str,
    background: str | None,
    name: str,
    about: Path | None,
    settings: dict[str, object],
) -> None:
    from msfusion_sdk.pretraining.frozen.config import FrozenTrainConfig
    from msfusion_sdk.pretraining.frozen.run import pretrain_frozen

    with known_words(), bars() as update:
        pretrain_frozen(
            data,
            folder,
            network,
            FrozenTrainConfig.model_validate(settings),
            background=background,
            name=name,
            about=text_of(about),
            progress=update,
        )
    out.print(text_of(folder / "README.md"), markup=False)


app.command()(slides)
app.command()(labels)


@app.command()
def score(
    data: Data,
    tile_mpp: TileMpp,
    model: Annotated[str | None, typer.Option(help="A model folder or an embedded model.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Score all tiles: for data that the model never saw.")
    ] = False,
    device: Device = "auto",
    seed: Seed = 0,
) -> None:
    """Balanced accuracy of both networks, clean, under other stains and in grey."""
    from msfusion_sdk.encoder.weights.hub import locate_model
    from msfusion_sdk.pretraining.from_tiles import score_model

    with known_words(), bars() as update:
        scores, floor = score_model(
            locate_model(model),
            data,
            tile_mpp=tile_mpp,
            seed=seed,
            everything=everything,
            device=device,
            progress=update,
        )
    table = Table(*scores.columns)
    for row in scores.itertuples(index=False):
        table.add_row(*(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row))
    out.print(table)
    if floor is not None:
        out.print(f"Colour statistics alone reach {floor:.3f}.")
