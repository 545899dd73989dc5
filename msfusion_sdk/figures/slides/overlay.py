"""What the encoder saw: tissue and patches on the slide, and where the attention lies."""

import math
import os
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from msfusion_sdk.encoder.result.embedding import SlideEmbedding
from msfusion_sdk.encoder.result.patch_weights import relative_weights
from msfusion_sdk.figures.picture import Picture
from msfusion_sdk.figures.slides.quality_panel import draw_quality
from msfusion_sdk.figures.slides.small_png import write_small_png
from msfusion_sdk.figures.slides.thumbnail import LONG_SIDE_PX, draw_ground, read_ground, squares
from msfusion_sdk.figures.style import DPI, GREEN
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.tissue.overview import Overview

__all__ = ["draw_overlay", "draw_result", "read_thumbnail", "write_overlay"]

LONGEST_ID = 40
WIDE = 1.6
"""Slides that are wider than high by this have their two pictures one above the other."""


def write_overlay(slide: str | os.PathLike[str], result: SlideEmbedding, path: str | Path) -> Path:
    """Read a thumbnail of the slide, draw the result over it and write a PNG.

    Parameters
    ----------
    result : SlideEmbedding
        Of the same slide.
    slide : path
        The file that was encoded.
    path : path
        Where the PNG goes; written atomically.
    """
    return write_small_png(draw_result(slide, result), path)


def draw_result(slide: str | os.PathLike[str], result: SlideEmbedding) -> Figure:
    """Read a thumbnail of the slide and return it with the result drawn over it."""
    return draw_overlay(read_thumbnail(slide, result), result)


def read_thumbnail(slide: str | os.PathLike[str], result: SlideEmbedding) -> Overview:
    """Read a slide at the size at which it is drawn.

    Raises
    ------
    SlideError
        When it cannot be opened or read.
    """
    spacing = result.provenance.spacing
    # Given again: without it a slide whose header states none would be refused.
    given = spacing.given_mpp
    with open_slide(slide, mpp=given) as opened:
        return read_ground(opened, spacing.slide_mpp)


def draw_overlay(overview: Overview, result: SlideEmbedding) -> Figure:
    """Return a figure in level-0 pixels: the slide with outlines, and the attention over it.

    Green is the outline of the tissue, black are the kept patches, red what could not be read.
    With ``config.qc`` a third picture shows the quality of patches.
    The attention is the weight of each tile in the slide vector relative to the mean: 1
    counts as much as the average tile.

    Parameters
    ----------
    overview : Overview
        The slide, small.
    result : SlideEmbedding
        Of the same slide.
    """
    height, width = overview.pixels.shape[:2]
    has_patches = result.patches.num_rows > 0
    is_wide = width >= WIDE * height
    has_qc = result.provenance.config.qc is not None
    count = 1 + has_patches + (has_qc and (has_patches or bool(result.provenance.excluded)))
    rows, columns = (count, 1) if is_wide else (1, count)
    across = LONG_SIDE_PX / DPI
    down = 0.5 + rows * height * (across / columns) / width
    figure = Picture(figsize=(across, min(across * 1.3, max(3.0, down))), layout="constrained")
    places = figure.subplots(rows, columns, squeeze=False).ravel()
    _draw_slide(places[0], overview, result)
    if has_patches:
        _draw_attention(figure, places[1], overview, result)
    if has_qc and count > 1:
        _ground(places[-1], overview, overview.pixels, result)
        draw_quality(figure, places[-1], result)
    return figure


def _draw_slide(axes: Axes, overview: Overview, result: SlideEmbedding) -> None:
    _ground(axes, overview, overview.pixels, result)
    rings = [[*ring, ring[0]] for polygon in result.tissue for ring in polygon]
    axes.add_collection(LineCollection(rings, colors=GREEN, linewidths=1.6))
    axes.add_collection(_outlines(result))
    for bad in result.provenance.bad_regions:
        axes.add_patch(
            Rectangle((bad.x, bad.y), bad.size_px, bad.size_px, fill=False, color="red", hatch="xx")
        )
    tissue, patches = result.provenance.tissue, result.patches.num_rows
    kept = f"{patches} {'patch' if patches == 1 else 'patches'}, " if patches else ""
    recall = tissue.tissue_recall
    inside = "" if recall is None else f", {100 * recall:.0f} % of it in patches"
    axes.set_title(
        f"{_short(result.slide_id)}: {kept}{tissue.area_mm2:.2f} mm² of tissue{inside}",
        fontsize=9,
        loc="left",
        parse_math=False,
    )


def _short(slide_id: str) -> str:
    """Return an id that leaves room for the numbers behind it."""
    return slide_id if len(slide_id) <= LONGEST_ID else f"{slide_id[: LONGEST_ID - 1]}…"


def _draw_attention(figure: Figure, axes: Axes, overview: Overview, result: SlideEmbedding) -> None:
    grey = overview.pixels.mean(-1, keepdims=True).repeat(3, -1).astype(np.uint8)
    _ground(axes, overview, grey, result)
    relative, reach = relative_weights(result)
    x, y, size = (result.patches.column(name).to_numpy() for name in ("x", "y", "size_px"))
    # Tiles of a patch lie row by row in a square.
    n = math.isqrt(relative.shape[1])
    edge = size / n
    squares = [
        Rectangle((x[patch] + edge[patch] * (tile % n), y[patch] + edge[patch] * (tile // n)),
                  edge[patch], edge[patch])
        for patch in range(len(x))
        for tile in range(n * n)
    ]  # fmt: skip
    heat = PatchCollection(squares, cmap="viridis", alpha=0.62, linewidth=0)
    heat.set_array(relative.ravel())
    # Equally far to both sides: the middle colour is the weight of the average tile.
    heat.set_norm(Normalize(1 - reach, 1 + reach))
    axes.add_collection(heat)
    axes.add_collection(_outlines(result))
    bar = figure.colorbar(heat, ax=axes, shrink=0.8, pad=0.01)
    bar.set_label("weight of a tile / mean weight", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    # The colours are those of the viewer, around 1; no weight is below 0.
    bar.ax.set_ylim(max(0.0, 1 - reach), 1 + reach)
    axes.set_title("weight: yellow counts more, violet less", fontsize=9, loc="left")


def _ground(
    axes: Axes, overview: Overview, pixels: NDArray[np.uint8], result: SlideEmbedding
) -> None:
    draw_ground(axes, overview, pixels, result.provenance.spacing.slide_mpp)


def _outlines(result: SlideEmbedding) -> PatchCollection:
    columns = (result.patches.column(name).to_numpy() for name in ("x", "y", "size_px"))
    return squares(zip(*columns, strict=True))
