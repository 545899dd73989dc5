"""``msfusion pretrain slides`` and ``labels``: from slides, with outlines or with classes alone."""

from pathlib import Path
from typing import Annotated

import typer

from msfusion_sdk.cli.pretrain.options import (
    CACHE_GB,
    About,
    CacheGb,
    Device,
    Folder,
    Name,
    Network,
    Patience,
    Patients,
    Seed,
    SlideTable,
    Start,
    require_fitting,
    text_of,
)
from msfusion_sdk.cli.shared.console import bars, known_words, out

__all__ = ["labels", "slides"]


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
    patches_per_slide: Annotated[int, typer.Option(min=1, help="At most, of one class.")] = 200,
    stain: Annotated[
        str | None,
        typer.Option(help="vahadane, macenko or none: vahadane, with --network none."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(help="Slide whose colours all get; the most typical if none."),
    ] = None,
    preset: Annotated[str | None, typer.Option(help="resection or biopsy.")] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the images: 20, with --network 40.")
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(help="Stop after so many epochs without a better loss: 8, with --network 10."),
    ] = None,
    name: Name = "pretrained",
    about: About = None,
    start: Start = None,
    network: Network = None,
    cache_gb: CacheGb = None,
    device: Device = "auto",
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(min=0, help="Processes that prepare images.")] = 1,
) -> None:
    """Train both networks, or attention over frozen ones, from slides with outlines.

    Run again to go on.
    """
    from msfusion_sdk.encoder.weights.hub import locate_model
    from msfusion_sdk.pretraining.annotated.dataset_config import DatasetConfig
    from msfusion_sdk.pretraining.annotated.from_slides import pretrain_slides, training_config
    from msfusion_sdk.pretraining.annotated.over_networks import pretrain_slides_over_networks

    require_fitting(network, start, device, cache_gb)
    usual = "vahadane" if network is None else "none"
    colours = stain or usual
    with known_words():
        data = DatasetConfig.model_validate(
            {
                "label": label,
                "normal": normal,
                "outlines": tuple(outlines or ()),
                "normal_outside": normal_outside,
                "min_overlap": min_overlap,
                "patches_per_slide": patches_per_slide,
                "stain": None if colours == "none" else colours,
                "target": target,
                "seed": seed,
            }
        )
        config = training_config(
            epochs=20 if epochs is None else epochs,
            patience=8 if patience is None else patience,
            seed=seed,
        )
    if network is not None:
        with known_words(), bars() as update:
            pretrain_slides_over_networks(
                table,
                annotations,
                folder,
                network,
                data,
                epochs=40 if epochs is None else epochs,
                patience=10 if patience is None else patience,
                cache_gb=CACHE_GB if cache_gb is None else cache_gb,
                patients=patients,
                preset=preset,
                name=name,
                about=text_of(about),
                workers=workers,
                progress=update,
            )
        out.print(text_of(folder / "README.md"), markup=False)
        return
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
            about=text_of(about),
            start=locate_model(start) if start else None,
            device=device,
            workers=workers,
            progress=update,
        )
    out.print(text_of(folder / "README.md"), markup=False)


def labels(
    table: SlideTable,
    label: Annotated[str, typer.Option(help="Column with the slides' classes.")],
    folder: Folder,
    patients: Patients = None,
    start: Start = None,
    network: Network = None,
    cache_gb: CacheGb = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the training slides: 10, with --network 40.")
    ] = None,
    patience: Patience = 4,
    patches_per_slide: Annotated[int, typer.Option(min=1, help="Drawn anew in every epoch.")] = 8,
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

    require_fitting(network, start, device, cache_gb)
    # An attention starts at nothing and has few weights: it takes larger and more steps.
    usual = {"epochs": 10} if network is None else {"epochs": 40, "peak_rate": 2e-3}
    with known_words():
        config = FineTuneConfig.model_validate(
            {
                **usual,
                **({} if epochs is None else {"epochs": epochs}),
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
            cache_gb=CACHE_GB if cache_gb is None else cache_gb,
            name=name,
            about=text_of(about),
            device=device,
            progress=update,
        )
    out.print(text_of(folder / "README.md"), markup=False)
