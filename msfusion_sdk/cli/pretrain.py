"""``msfusion pretrain tiles``, ``slides``, ``labels`` and ``score``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from msfusion_sdk.cli.console import bars, known_words, out

__all__ = ["app"]

app = typer.Typer(help="Train the two networks, and score them.", no_args_is_help=True)

Data = Annotated[
    Path, typer.Option(help="A folder per class and index.csv with class, file, group.")
]
TileMpp = Annotated[float, typer.Option("--mpp", help="µm per pixel of the tile files.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Seed = Annotated[int, typer.Option(help="Decides split, order and augmentation.")]
Folder = Annotated[Path, typer.Option("--out", "-o", help="Becomes the model folder.")]
Epochs = Annotated[int, typer.Option(help="Passes over the training images.")]
Patience = Annotated[int, typer.Option(help="Stop after this many epochs without a better loss.")]
Name = Annotated[str, typer.Option(help="What the model is called.")]
Start = Annotated[
    str | None, typer.Option(help="Model whose weights to start from: a folder or an embedded one.")
]
Network = Annotated[
    str | None, typer.Option(help="Model of frozen networks: its attention alone is trained.")
]
CacheGb = Annotated[float, typer.Option(help="Limit of the maps of --network on disk.")]
About = Annotated[Path | None, typer.Option(help="Markdown on the data, for the model card.")]
SlideTable = Annotated[
    Path, typer.Option("--slides", help="CSV with slide_id, patient_id, path; mpp if need be.")
]
Patients = Annotated[
    Path | None, typer.Option(help="CSV with patient_id and the label, if the slides lack it.")
]


@app.command()
def tiles(
    data: Data,
    tile_mpp: TileMpp,
    folder: Folder,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the images: 150, with --network 40.")
    ] = None,
    patience: Patience = 40,
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
    cache_gb: CacheGb = 20.0,
    device: Device = "auto",
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(help="Processes that prepare tiles.")] = 1,
) -> None:
    """Train context and detail network from labelled tiles; run again to go on."""
    if network is not None:
        _frozen(data, folder, network, background, name, about, {
            "tile_mpp": tile_mpp, "epochs": epochs or 40, "seed": seed, "cache_gb": cache_gb,
        })  # fmt: skip
        return
    from msfusion_sdk.encoder.weights.hub import locate_model
    from msfusion_sdk.pretraining.from_tiles import pretrain_tiles
    from msfusion_sdk.pretraining.train_config import TrainConfig

    with known_words():
        views = {f"{scale}_view_px": view_px for scale in ("context", "detail") if view_px}
        config = TrainConfig.model_validate(
            {
                "tile_mpp": tile_mpp,
                "epochs": epochs or 150,
                "patience": patience,
                "seed": seed,
                **views,
            }
        )
    with known_words(), bars() as update:
        pretrain_tiles(
            data,
            folder,
            config,
            name=name,
            about=_text(about),
            background=background,
            start=locate_model(start) if start else None,
            device=device,
            workers=workers,
            progress=update,
        )
    out.print(_text(folder / "README.md"), markup=False)


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
            about=_text(about),
            progress=update,
        )
    out.print(_text(folder / "README.md"), markup=False)


@app.command()
def slides(
    table: SlideTable,
    annotations: Annotated[
        Path, typer.Option(help="Folder with <slide_id>.xml, .geojson or .json.")
    ],
    folder: Folder,
    label: Annotated[
        str | None,
        typer.Option(help="Column with the slides' classes; without it outlines name theirs."),
    ] = None,
    patients: Patients = None,
    normal: Annotated[str, typer.Option(help="Class of tissue that no outline holds.")] = "normal",
    outlines: Annotated[
        list[str] | None,
        typer.Option("--outline", help="Class of outlines that count; all if none."),
    ] = None,
    normal_outside: Annotated[
        bool,
        typer.Option(help="Whether patches outside the outlines of other slides are normal too."),
    ] = True,
    min_overlap: Annotated[
        float, typer.Option(help="Share of an image inside outlines from which it has a class.")
    ] = 0.5,
    patches_per_slide: Annotated[int, typer.Option(help="At most, of one class.")] = 200,
    stain: Annotated[str, typer.Option(help="vahadane, macenko or none.")] = "vahadane",
    target: Annotated[
        str | None,
        typer.Option(help="Slide whose colours all get; the most typical if none."),
    ] = None,
    preset: Annotated[str | None, typer.Option(help="resection or biopsy.")] = None,
    epochs: Epochs = 20,
    patience: Patience = 8,
    name: Name = "pretrained",
    about: About = None,
    start: Start = None,
    device: Device = "auto",
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(help="Processes that prepare images.")] = 1,
) -> None:
    """Train context and detail network from slides with outlines; run again to go on."""
    from msfusion_sdk.encoder.weights.hub import locate_model
    from msfusion_sdk.pretraining.annotated.dataset_config import DatasetConfig
    from msfusion_sdk.pretraining.annotated.from_slides import pretrain_slides, training_config

    with known_words():
        data = DatasetConfig.model_validate(
            {
                "label": label,
                "normal": normal,
                "outlines": tuple(outlines or ()),
                "normal_outside": normal_outside,
                "min_overlap": min_overlap,
                "patches_per_slide": patches_per_slide,
                "stain": None if stain == "none" else stain,
                "target": target,
                "seed": seed,
            }
        )
        config = training_config(epochs=epochs, patience=patience, seed=seed)
    with known_words(), bars() as update:
        pretrain_slides(
            table,
            annotations,
            folder,
            data,
            config,
            patients=patients,
            preset=preset,
            name=name,
            about=_text(about),
            start=locate_model(start) if start else None,
            device=device,
            workers=workers,
            progress=update,
        )
    out.print(_text(folder / "README.md"), markup=False)


@app.command()
def labels(
    table: SlideTable,
    label: Annotated[str, typer.Option(help="Column with the slides' classes.")],
    folder: Folder,
    patients: Patients = None,
    start: Start = None,
    network: Network = None,
    cache_gb: CacheGb = 20.0,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the training slides: 10, with --network 40.")
    ] = None,
    patience: Patience = 4,
    patches_per_slide: Annotated[int, typer.Option(help="Drawn anew in every epoch.")] = 8,
    name: Name = "fine-tuned",
    about: About = None,
    device: Device = "auto",
    seed: Seed = 0,
) -> None:
    """Fine-tune both networks, or train an attention over frozen ones, from slides' classes alone.

    Run again to go on.
    """
    from msfusion_sdk.pretraining.slide_labels.fine_tune_config import FineTuneConfig
    from msfusion_sdk.pretraining.slide_labels.from_labels import pretrain_labels

    # An attention starts at nothing and has few weights: it takes larger and more steps.
    usual = {"epochs": 10} if network is None else {"epochs": 40, "peak_rate": 2e-3}
    with known_words():
        config = FineTuneConfig.model_validate(
            {
                **usual,
                **({"epochs": epochs} if epochs else {}),
                "patience": patience,
                "patches_per_slide": patches_per_slide,
                "seed": seed,
            }
        )
    with known_words(), bars() as update:
        pretrain_labels(
            table,
            label,
            folder,
            config,
            patients=patients,
            start=start,
            network=network,
            cache_gb=cache_gb,
            name=name,
            about=_text(about),
            device=device,
            progress=update,
        )
    out.print(_text(folder / "README.md"), markup=False)


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


def _text(path: Path | None) -> str:
    return path.read_text(encoding="utf-8") if path else ""
