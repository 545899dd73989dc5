"""A picture of what the encoder saw: thumbnail, tissue outline, patches coloured by weight."""

import os
from pathlib import Path

import numpy as np
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from msfusion_sdk.encoder.embedding import SlideEmbedding
from msfusion_sdk.files import storing
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.overview import Overview, read_overview

__all__ = ["DPI", "LONG_SIDE_PX", "draw_overlay", "draw_scale_bar", "draw_slide", "write_overlay"]

LONG_SIDE_PX = 1400
DPI = 130


def write_overlay(slide: str | os.PathLike[str], result: SlideEmbedding, path: str | Path) -> Path:
    """Read a thumbnail of the slide, draw the result over it and write a PNG.

    Parameters
    ----------
    slide : path
        The file that was encoded.
    path : path
        Where the PNG goes; written atomically.
    """
    spacing = result.provenance.spacing
    given = spacing.slide_mpp if spacing.source == "argument" else None
    with open_slide(slide, mpp=given) as opened:
        wanted = max(opened.dimensions) * spacing.slide_mpp / LONG_SIDE_PX
        overview = read_overview(opened, spacing.slide_mpp, wanted)
    figure = draw_overlay(overview, result)
    with storing(Path(path)) as temporary:
        figure.savefig(temporary, dpi=DPI)
    return Path(path)


def draw_overlay(overview: Overview, result: SlideEmbedding) -> Figure:
    """Return a figure in level-0 pixels.

    Colour is the patch's weight in the slide vector relative to the mean weight: 1 counts
    as much as the average patch.
    """
    figure = draw_slide(overview)
    axes = figure.axes[0]
    rings = [[*ring, ring[0]] for polygon in result.tissue for ring in polygon]
    axes.add_collection(LineCollection(rings, colors="#00863d", linewidths=1.4))
    _draw_patches(figure, result)
    for bad in result.provenance.bad_regions:
        axes.add_patch(
            Rectangle((bad.x, bad.y), bad.size_px, bad.size_px, fill=False, color="red", hatch="xx")
        )
    tissue = result.provenance.tissue
    recall = (
        ""
        if tissue.tissue_recall is None
        else f", {100 * tissue.tissue_recall:.0f} % of it in patches"
    )
    axes.set_title(
        f"{result.slide_id}   {result.patches.num_rows} patches, "
        f"{tissue.area_mm2:.2f} mm² of tissue{recall}",
        fontsize=9,
        loc="left",
    )
    draw_scale_bar(figure, result.provenance.spacing.slide_mpp)
    return figure


def draw_slide(overview: Overview) -> Figure:
    """Return a figure of the slide alone, its axes in level-0 pixels."""
    height, width = overview.pixels.shape[:2]
    right, bottom = width * overview.l0_step[0], height * overview.l0_step[1]
    scale = LONG_SIDE_PX / DPI / max(width, height)
    figure = Figure(
        figsize=(max(5.0, width * scale + 1.4), max(3.0, height * scale + 0.9)),
        layout="constrained",
    )
    axes = figure.add_subplot()
    axes.imshow(overview.pixels, extent=(0, right, bottom, 0), interpolation="bilinear")
    axes.set(xlim=(0, right), ylim=(bottom, 0), xticks=[], yticks=[], autoscale_on=False)
    return figure


def _draw_patches(figure: Figure, result: SlideEmbedding) -> None:
    if result.patches.num_rows == 0:
        return
    axes = figure.axes[0]
    columns = {
        name: result.patches.column(name).to_numpy() for name in ("x", "y", "size_px", "weight")
    }
    corners = zip(columns["x"], columns["y"], columns["size_px"], strict=True)
    squares = PatchCollection(
        [Rectangle((x, y), size, size) for x, y, size in corners],
        cmap="viridis",
        alpha=0.42,
        edgecolor="black",
        linewidth=0.6,
    )
    relative = columns["weight"] * len(columns["weight"])
    # At least ±10 % wide, so that noise is not painted as contrast.
    reach = max(0.1, float(np.abs(relative - 1).max()))
    squares.set_array(relative)
    squares.set_norm(Normalize(1 - reach, 1 + reach))
    axes.add_collection(squares)
    bar = figure.colorbar(squares, ax=axes, shrink=0.7, pad=0.01)
    bar.set_label("weight / mean weight", fontsize=8)
    bar.ax.tick_params(labelsize=7)


def draw_scale_bar(figure: Figure, mpp: float) -> None:
    """Draw a bar of at most a quarter of the width; ``mpp`` is µm per pixel of level 0."""
    axes = figure.axes[0]
    right, bottom = axes.get_xlim()[1], axes.get_ylim()[0]
    limit_um = right * mpp / 4
    length_um = max(
        step for step in (1, 10, 50, 100, 250, 500, 1000, 2000, 5000) if step <= max(1.0, limit_um)
    )
    x, y = 0.03 * right, 0.965 * bottom
    axes.plot([x, x + length_um / mpp], [y, y], color="black", linewidth=3, solid_capstyle="butt")
    label = f"{length_um} µm" if length_um < 1000 else f"{length_um // 1000} mm"
    axes.text(x, y - 0.015 * bottom, label, fontsize=8, va="bottom")
