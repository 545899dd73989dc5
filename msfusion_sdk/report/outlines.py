"""What was drawn on a slide: a picture of it, and its classes in numbers."""

import os
from pathlib import Path

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.files import storing
from msfusion_sdk.report.overlay import DPI, LONG_SIDE_PX, draw_scale_bar, draw_slide
from msfusion_sdk.slides.annotations import Annotations, class_colours
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.overview import Overview, read_overview

__all__ = [
    "AnnotatedClass",
    "AnnotationDescription",
    "describe_annotations",
    "draw_outlines",
    "write_outlines",
]

UNCLASSIFIED_COLOUR = "#303030"


class AnnotatedClass(FrozenConfig):
    """One class of the outlines on a slide."""

    name: str | None
    """None for outlines without a class."""
    drawings: int
    area_mm2: float | None
    """Area inside any outline of the class; None when the slide's spacing is unknown."""


class AnnotationDescription(FrozenConfig):
    """What ``msfusion info`` says about a file of outlines."""

    file: str
    dialect: str
    classes: tuple[AnnotatedClass, ...]
    ignored: dict[str, int]
    """Objects that are no outlines, by kind."""
    repairs: tuple[str, ...]
    warnings: tuple[str, ...]


def describe_annotations(
    annotations: Annotations, dimensions: tuple[int, int], mpp: float | None
) -> AnnotationDescription:
    """Count and measure the classes, and look whether the outlines are those of this slide.

    Parameters
    ----------
    dimensions : (width, height)
        Of level 0, pixels.
    mpp : float or None
        µm per pixel of level 0.
    """
    classes = []
    for name, drawings in annotations.class_counts().items():
        area_px = annotations.select(name).union().area
        area_mm2 = None if mpp is None else area_px * mpp**2 / 1e6
        classes.append(AnnotatedClass(name=name, drawings=drawings, area_mm2=area_mm2))
    return AnnotationDescription(
        file=annotations.source.name,
        dialect=annotations.dialect,
        classes=tuple(classes),
        ignored=dict(annotations.ignored),
        repairs=annotations.repairs,
        warnings=_misplaced(annotations, dimensions),
    )


def _misplaced(annotations: Annotations, dimensions: tuple[int, int]) -> tuple[str, ...]:
    width, height = dimensions
    outside = 0
    for region in annotations.polygons:
        left, top, right, bottom = region.polygon.bounds
        outside += left < 0 or top < 0 or right > width or bottom > height
    if not outside:
        return ()
    return (
        f"{outside} of {len(annotations.polygons)} outlines reach beyond the slide, which has "
        f"{width} x {height} pixels. The file may be that of another slide, or its coordinates "
        "those of another level.",
    )


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
