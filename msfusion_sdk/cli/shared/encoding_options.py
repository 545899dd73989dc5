"""Options of what encodes, and the settings that they mean."""

from typing import Annotated

import typer

from msfusion_sdk.config import PRESETS, EncoderConfig

__all__ = [
    "Mpp",
    "Preset",
    "MaxUpsample",
    "Stain",
    "KeepInk",
    "Qc",
    "Model",
    "Device",
    "Precision",
    "Json",
    "patch_settings",
    "tissue_settings",
]

Mpp = Annotated[float | None, typer.Option(help="µm per pixel of level 0; wins over the header.")]
Preset = Annotated[
    str | None, typer.Option(help=f"Tissue and patch settings: {', '.join(PRESETS)}.")
]
MaxUpsample = Annotated[
    float | None, typer.Option(help="Enlarge slides that are up to this many times too coarse.")
]
Stain = Annotated[
    str | None,
    typer.Option(help="he, ihc or other: colours of ink may be the stain's."),
]
KeepInk = Annotated[bool, typer.Option("--keep-ink", help="Leave out no marker ink.")]
Qc = Annotated[
    str | None,
    typer.Option("--qc", help="Quality of patches: record, weights or exclude."),
]
Model = Annotated[str | None, typer.Option(help="A model folder, an embedded model or a hub id.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Precision = Annotated[str, typer.Option(help="auto, fp32, bf16, or fp16 on CUDA.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]


def patch_settings(
    config: EncoderConfig, preset: str | None, max_upsample: float | None
) -> EncoderConfig:
    """Return the settings with what ``--preset`` and ``--max-upsample`` say."""
    config = config.with_preset(preset) if preset else config
    if max_upsample is None:
        return config
    return config.updated(patches={"max_upsample": max_upsample})


def tissue_settings(
    config: EncoderConfig, stain: str | None, *, keep_ink: bool, qc: str | None = None
) -> EncoderConfig:
    """Return the settings with what ``--stain``, ``--keep-ink`` and ``--qc`` say."""
    if qc is not None:
        config = config.updated(qc={"use": qc})
    if stain is not None:
        config = config.updated(tissue={"stain": stain})
    return config.updated(tissue={"drop_pen": False}) if keep_ink else config
