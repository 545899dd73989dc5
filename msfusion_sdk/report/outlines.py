"""A picture of what was drawn on a slide."""

import os
from pathlib import Path

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from msfusion_sdk.files import storing
from msfusion_sdk.report.overlay import DPI, LONG_SIDE_PX, draw_scale_bar, draw_slide
from msfusion_sdk.slides.annotations import Annotations, class_colours
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.overview import Overview, read_overview

__all__ = ["draw_outlines", "write_outlines"]

UNCLASSIFIED_COLOUR = "#303030"


def write_outlines(
    slide: str | os.PathLike[str],
    annotations: Annotations,
    path: str | Path,
    *,
    mpp: float | None = None,
) -> Path:
    """Read a thumbnail of the slide, draw the outlines over it and write a PNG, atomically."""
    with open_slide(slide, mpp=mpp) as opened:
        known = mpp or opened.header.header_mpp[0]
        # Where the spacing is unknown a pixel is the unit.
        unit = known or 1.0
        overview = read_overview(opened, unit, max(opened.dimensions) * unit / LONG_SIDE_PX)
    figure = draw_outlines(overview, annotations, known)
    with storing(Path(path)) as temporary:
        figure.savefig(temporary, dpi=DPI)
    return Path(path)


def draw_outlines(overview: Overview, annotations: Annotations, mpp: float | None) -> Figure:
    """Return a figure in level-0 pixels: a colour for each class, grey where there is none."""
    figure = draw_slide(overview)
    axes = figure.axes[0]
    colours = class_colours(annotations)
    counts = annotations.class_counts()
    for name in counts:
        colour = tuple(v / 255 for v in colours[name]) if name else UNCLASSIFIED_COLOUR
        rings = [
            ring.coords
            for region in annotations.select(name).polygons
            for ring in (region.polygon.exterior, *region.polygon.interiors)
        ]
        label = f"{name or 'no class'} ({counts[name]})"
        axes.add_collection(LineCollection(rings, colors=[colour], linewidths=1.4, label=label))
    axes.set_title(
        f"{annotations.source.name}   {annotations.dialect}, {sum(counts.values())} drawn",
        fontsize=9,
        loc="left",
    )
    if counts:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8, frameon=False)
    if mpp is not None:
        draw_scale_bar(figure, mpp)
    return figure
