"""What each patch adds to a prediction, drawn over the slide, and the patches themselves."""

import os
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from msfusion_sdk.figures.picture import Picture
from msfusion_sdk.figures.slides.contact_sheet import read_shrunk
from msfusion_sdk.figures.slides.scale_bar import draw_scale_bar
from msfusion_sdk.figures.slides.thumbnail import draw_ground
from msfusion_sdk.figures.style import COLOURS
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.tissue.overview import Overview

__all__ = ["draw_shares", "draw_strongest"]

BLUE, ORANGE = COLOURS[:2]
WIDTH = 10.0


def draw_shares(overview: Overview, patches: pd.DataFrame, *, of: str, mpp: float) -> Figure:
    """Return the slide in grey, each patch coloured by what it adds to the score.

    Orange speaks for the prediction, blue against it; the colours reach equally far to both
    sides, so that white is nothing.

    Parameters
    ----------
    overview : Overview
        The slide, small.
    patches : DataFrame
        ``x``, ``y``, ``size_px`` (level-0 pixels) and ``contribution``.
    of : str
        What is predicted, for the legend.
    mpp : float
        µm per pixel of level 0.
    """
    height, width = overview.pixels.shape[:2]
    figure = Picture(figsize=(WIDTH, 0.6 + 0.85 * WIDTH * height / width), layout="constrained")
    axes = figure.subplots()
    grey = overview.pixels.mean(-1, keepdims=True).repeat(3, -1).astype(np.uint8)
    draw_ground(axes, overview, grey, mpp)
    heat = _heat(patches)
    axes.add_collection(heat)
    bar = figure.colorbar(heat, ax=axes, shrink=0.8, pad=0.01)
    bar.set_label(f"what a patch adds to the score of {of}", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    axes.set_title(f"orange speaks for {of}, blue against it", fontsize=9, loc="left")
    return figure


def draw_strongest(
    slide: str | os.PathLike[str],
    speaks_for: pd.DataFrame,
    against: pd.DataFrame,
    *,
    mpp: float,
    given_mpp: float | None = None,
) -> Figure:
    """Return two rows of patches of one slide: those that speak most for and most against.

    Parameters
    ----------
    speaks_for, against : DataFrame
        ``x``, ``y``, ``size_px`` and ``contribution`` of each.
    mpp : float
        µm per pixel of level 0.
    given_mpp : float, optional
        That of the caller, where the slide states none.
    """
    rows = {"speaks for it": (speaks_for, ORANGE), "against it": (against, BLUE)}
    columns = max(1, len(speaks_for), len(against))
    figure = Picture(figsize=(0.4 + 1.8 * columns, 4.6), layout="constrained")
    grid = figure.subplots(2, columns, squeeze=False)
    with open_slide(slide, mpp=given_mpp) as opened:
        for line, (chosen, colour) in enumerate(rows.values()):
            for axes, row in zip(grid[line], chosen.to_dict("records"), strict=False):
                _draw_patch(axes, read_shrunk(opened, row, mpp), row, mpp)
                axes.spines[:].set_color(colour)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
        if not axes.images:
            axes.set_axis_off()
    for line, (text, (_, colour)) in enumerate(rows.items()):
        grid[line, 0].set_ylabel(text, fontsize=11, color=colour)
    return figure


def _heat(patches: pd.DataFrame) -> PatchCollection:
    columns = (patches[name].tolist() for name in ("x", "y", "size_px"))
    squares = [Rectangle((x, y), size, size) for x, y, size in zip(*columns, strict=True)]
    heat = PatchCollection(squares, cmap="PuOr_r", alpha=0.7, linewidth=0)
    values = patches["contribution"].to_numpy()
    # Where nothing contributes any range will do, but one of no width has no colours.
    reach = float(np.abs(values).max()) or 1.0
    heat.set_array(values)
    heat.set_norm(Normalize(-reach, reach))
    return heat


def _draw_patch(axes: Axes, pixels: Any, row: dict[Any, Any], mpp: float) -> None:
    edge = row["size_px"]
    axes.imshow(pixels, extent=(0, edge, edge, 0), interpolation="bilinear")
    draw_scale_bar(axes, edge, edge, mpp)
    axes.spines[:].set_linewidth(2)
    text = f"{row['contribution']:+.3g}\nat {row['x']:,}, {row['y']:,}"
    axes.set_xlabel(text, fontsize=8)
