"""What was drawn on a slide, in numbers."""

from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.slides.annotations import Annotations

__all__ = ["AnnotatedClass", "AnnotationDescription", "describe_annotations"]


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
    annotations : Annotations
        As ``read_annotations`` returns them.
    dimensions : (width, height)
        Of level 0, pixels.
    mpp : float or None
        µm per pixel of level 0.
    """
    classes = []
    for name, drawings in annotations.class_counts().items():
        # The union: where outlines of one class overlap, tissue counts once.
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
