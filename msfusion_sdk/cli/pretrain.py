"""``msfusion pretrain tiles`` and ``msfusion pretrain score``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from msfusion_sdk.cli.console import bars, checked_words, out

__all__ = ["app"]

app = typer.Typer(help="Train the two networks, and score them.", no_args_is_help=True)

Data = Annotated[
    Path, typer.Option(help="A folder per class and index.csv with class, file, group.")
]
TileMpp = Annotated[float, typer.Option("--mpp", help="µm per pixel of the tile files.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Seed = Annotated[int, typer.Option(help="Decides split, order and augmentation.")]


@app.command()
def tiles(
    data: Data,
    tile_mpp: TileMpp,
    folder: Annotated[Path, typer.Option("--out", "-o", help="Becomes the model folder.")],
    epochs: Annotated[int, typer.Option(help="Passes over the training tiles.")] = 150,
    patience: Annotated[
        int, typer.Option(help="Stop after this many epochs without a better loss.")
    ] = 40,
    name: Annotated[str, typer.Option(help="What the model is called.")] = "pretrained",
    about: Annotated[
        Path | None, typer.Option(help="Markdown on the data, for the model card.")
    ] = None,
    device: Device = "auto",
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(help="Processes that prepare tiles.")] = 1,
) -> None:
    """Train context and detail network from labelled tiles; run again to go on."""
    from msfusion_sdk.pretraining.config import TrainConfig
    from msfusion_sdk.pretraining.run import pretrain_tiles

    with checked_words():
        config = TrainConfig(tile_mpp=tile_mpp, epochs=epochs, patience=patience, seed=seed)
    text = about.read_text(encoding="utf-8") if about else ""
    with checked_words(), bars() as update:
        pretrain_tiles(
            data,
            folder,
            config,
            name=name,
            about=text,
            device=device,
            workers=workers,
            progress=update,
        )
    out.print((folder / "README.md").read_text(encoding="utf-8"), markup=False)


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
    from msfusion_sdk.encoder.hub import locate_model
    from msfusion_sdk.pretraining.run import score_model

    with checked_words(), bars() as update:
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
