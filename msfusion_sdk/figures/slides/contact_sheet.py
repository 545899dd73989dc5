"""The patches that weigh most and least in a slide vector, side by side with their scores."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from msfusion_sdk.encoder.result.embedding import SlideEmbedding
from msfusion_sdk.errors import SlideCorruptError
from msfusion_sdk.figures.picture import Picture
from msfusion_sdk.figures.slides.scale_bar import draw_scale_bar
from msfusion_sdk.figures.style import COLOURS
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.readers.levels import choose_level
from msfusion_sdk.slides.readers.reader import Slide

__all__ = ["draw_contact_sheet", "read_shrunk", "strongest_and_weakest"]

PATCHES = 5
"""In each row."""
PATCH_PX = 288


def strongest_and_weakest(weights: Sequence[float]) -> tuple[list[int], list[int]]:
    """Return the places of the highest weights and of the lowest; no place is in both.

    Examples
    --------
    >>> strongest_and_weakest([0.1, 0.4, 0.2, 0.3])
    ([1, 3], [0, 2])
    """
    order = sorted(range(len(weights)), key=lambda place: -weights[place])
    count = min(PATCHES, -(-len(order) // 2))
    return order[:count], order[count:][::-1][:count]


def draw_contact_sheet(slide: str | os.PathLike[str], result: SlideEmbedding) -> Figure:
    """Return two rows of patches, the strongest and the weakest, read from the slide.

    Below each: its weight relative to the mean weight of the slide's patches, the context
    score, and the location in level-0 pixels.

    Parameters
    ----------
    slide : path
        The file that was encoded.
    result : SlideEmbedding
        Of the same slide.

    Raises
    ------
    SlideError
        When the slide cannot be opened.
    """
    spacing = result.provenance.spacing
    given = spacing.given_mpp
    table = result.patches.select(["x", "y", "size_px", "context_score", "weight"]).to_pylist()
    rows = strongest_and_weakest([row["weight"] for row in table])
    columns = max(1, *map(len, rows))
    figure = Picture(figsize=(0.4 + 1.8 * columns, 5.0), layout="constrained")
    grid = figure.subplots(2, columns, squeeze=False)
    with open_slide(slide, mpp=given) as opened:
        for line, places in enumerate(rows):
            for axes, place in zip(grid[line], places, strict=False):
                _draw_patch(axes, opened, table[place], len(table), spacing.slide_mpp)
                axes.spines[:].set_color(COLOURS[line])
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
        if not axes.images:
            axes.set_axis_off()
    grid[0, 0].set_ylabel("strongest", fontsize=11, color=COLOURS[0])
    grid[1, 0].set_ylabel("weakest", fontsize=11, color=COLOURS[1])
    return figure


def _draw_patch(axes: Axes, slide: Slide, row: dict[str, Any], patches: int, mpp: float) -> None:
    pixels = read_shrunk(slide, row, mpp)
    edge = row["size_px"]
    axes.imshow(pixels, extent=(0, edge, edge, 0), interpolation="bilinear")
    draw_scale_bar(axes, edge, edge, mpp)
    axes.spines[:].set_linewidth(2)
    axes.set_xlabel(
        f"{row['weight'] * patches:.2f} × mean weight\n"
        f"context score {row['context_score']:.3f}\nat {row['x']:,}, {row['y']:,}",
        fontsize=8,
    )


def read_shrunk(slide: Slide, row: Mapping[Any, Any], mpp: float) -> NDArray[np.uint8]:
    """Return a patch shrunk to ``PATCH_PX``; grey when its pixels are damaged.

    Parameters
    ----------
    row : mapping
        ``x``, ``y`` and ``size_px`` of the patch, level-0 pixels.
    mpp : float
        µm per pixel of level 0.
    """
    edge = row["size_px"]
    # A coarser level holds the few pixels that are drawn: reading is quicker by its downsample².
    level = choose_level(slide.header.level_downsamples, mpp, mpp * edge / PATCH_PX)
    downsample = slide.header.level_downsamples[level]
    size = max(1, round(edge / downsample))
    try:
        pixels = slide.read((row["x"], row["y"]), level, (size, size)).pixels
    except SlideCorruptError:
        return np.full((PATCH_PX, PATCH_PX, 3), 128, np.uint8)
    small = cv2.resize(pixels, (PATCH_PX, PATCH_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)
