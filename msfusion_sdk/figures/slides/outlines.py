"""A picture of what was drawn on a slide."""

import os
from pathlib import Path

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from msfusion_sdk.figures.picture import Picture
from msfusion_sdk.figures.slides.scale_bar import draw_scale_bar
from msfusion_sdk.figures.slides.small_png import write_small_png
from msfusion_sdk.figures.slides.thumbnail import LONG_SIDE_PX, read_ground
from msfusion_sdk.figures.style import DPI
from msfusion_sdk.slides.annotations import Annotations, class_colours
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.tissue.overview import Overview

__all__ = ["draw_outlines", "write_outlines"]

UNCLASSIFIED_RGB = (48, 48, 48)
UNCLASSIFIED_COLOUR = "#303030"


def write_outlines(
    slide: str | os.PathLike[str],
    annotations: Annotations,
    path: str | Path,
    *,
    mpp: float | None = None,
) -> Path:
    """Read a thumbnail of the slide, draw the outlines over it and write a PNG, atomically.

    Parameters
    ----------
    slide : path
        The slide that was annotated.
    annotations : Annotations
        What is drawn.
    path : path
        Where the PNG goes; written atomically.
    mpp : float, optional
        µm per pixel of level 0, for a slide whose header does not state it.
    """
    with open_slide(slide, mpp=mpp) as opened:
        known = mpp or opened.header.header_mpp[0]
        # Where the spacing is unknown a pixel is the unit.
        unit = known or 1.0
        overview = read_ground(opened, unit)
    colours = [*class_colours(annotations).values(), UNCLASSIFIED_RGB]
    return write_small_png(draw_outlines(overview, annotations, known), path, keep=colours)


def draw_outlines(overview: Overview, annotations: Annotations, mpp: float | None) -> Figure:
    """Return a figure in level-0 pixels: a colour for each class, grey where there is none.

    Parameters
    ----------
    overview : Overview
        The slide, small.
    annotations : Annotations
        What is drawn.
    mpp : float or None
        µm per pixel of level 0, for the scale bar; None draws none.
    """
    height, width = overview.pixels.shape[:2]
    right, bottom = width * overview.l0_step[0], height * overview.l0_step[1]
    scale = LONG_SIDE_PX / DPI / max(width, height)
    size = (max(5.0, width * scale + 1.4), max(3.0, height * scale + 0.9))
    figure = Picture(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(overview.pixels, extent=(0, right, bottom, 0), interpolation="bilinear")
    axes.set(xlim=(0, right), ylim=(bottom, 0), xticks=[], yticks=[], autoscale_on=False)
    colours = class_colours(annotations)
    counts = annotations.class_counts()
    drawn: dict[str, LineCollection] = {}
    for name in counts:
        colour = tuple(v / 255 for v in colours[name]) if name else UNCLASSIFIED_COLOUR
        rings = [
            ring.coords
            for region in annotations.select(name).polygons
            for ring in (region.polygon.exterior, *region.polygon.interiors)
        ]
        lines = LineCollection(rings, colors=[colour], linewidths=1.4)
        drawn[f"{name or 'no class'} ({counts[name]})"] = lines
        axes.add_collection(lines)
    axes.set_title(
        f"{annotations.source.name}   {annotations.dialect}, {sum(counts.values())} drawn",
        fontsize=9,
        loc="left",
        parse_math=False,
    )
    if drawn:
        # Given one by one: of labels that it collects itself, matplotlib drops "_0".
        legend = axes.legend(
            list(drawn.values()),
            list(drawn),
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            fontsize=8,
            frameon=False,
        )
        for text in legend.get_texts():
            text.set_parse_math(False)
    if mpp is not None:
        draw_scale_bar(axes, right, bottom, mpp)
    return figure
