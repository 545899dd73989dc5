"""The first minute: make a slide, encode it, write everything a user gets."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from msfusion_sdk.encoder.result.embedding import SlideEmbedding
from msfusion_sdk.encoder.slide_encoder import SlideEncoder
from msfusion_sdk.figures.slides.overlay import write_overlay
from msfusion_sdk.files import made_folder, storing
from msfusion_sdk.testing.synthetic import make_slide

__all__ = ["run_demo"]

SIZE, FINDING = (10500, 7200), 0.16
"""Level-0 pixels, and the share of the tissue that is a planted finding."""


def run_demo(
    folder: str | Path, encoder: SlideEncoder, progress: Callable[[int, int], None] | None = None
) -> SlideEmbedding:
    """Write ``slide.svs`` (synthetic, not real tissue) and its results into ``folder``.

    Results are ``slide.npy`` (the vector), ``slide.parquet``, ``slide.geojson`` and
    ``slide.png`` (the overlay).

    Parameters
    ----------
    folder : path
        Made if it is not there.
    encoder : SlideEncoder
        Encodes the slide.
    progress : callable, optional
        Called with (patches done, patches in all).
    """
    folder = made_folder(Path(folder))
    slide = make_slide(folder / "slide.svs", *SIZE, coverage=0.8, seed=4, finding=FINDING)
    result = encoder.encode(slide, progress=progress)
    with storing(folder / "slide.npy") as temporary:
        np.save(temporary, np.asarray(result))
    result.to_parquet(folder / "slide.parquet")
    result.to_geojson(folder / "slide.geojson")
    write_overlay(slide, result, folder / "slide.png")
    return result
