"""What was drawn on a slide, and how much of a square lies inside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from msfusion_sdk.errors import ShapeError

__all__ = ["AnnotatedRegion", "Annotations", "overlap"]


@dataclass(frozen=True)
class AnnotatedRegion:
    """One polygon.  A drawing of several pieces is several regions with one ``element``."""

    polygon: Polygon
    """Valid, with an area; may have holes; level-0 pixels (x, y)."""
    class_name: str | None
    """What the file says it shows; None when it says nothing."""
    name: str | None
    """What the person who drew it called it."""
    id: str | None
    """The identifier in the file."""
    element: str
    """Where in the file, as messages name it; unique to a drawing."""


@dataclass(frozen=True)
class Annotations:
    """All polygons of one file."""

    polygons: tuple[AnnotatedRegion, ...]
    source: Path
    """The file."""
    dialect: str
    """The program it is from, as the content tells."""
    repairs: tuple[str, ...] = ()
    """What was corrected or left out, one sentence each, beginning with the element."""
    ignored: Mapping[str, int] = field(default_factory=dict)
    """Objects that are no outlines (points, lines, boxes), by kind."""

    def class_counts(self) -> dict[str | None, int]:
        """Return the number of drawings of each class, the most frequent first.

        A drawing of several pieces counts once, as it does in the program that drew it.
        """
        elements: dict[str | None, set[str]] = {}
        for region in self.polygons:
            elements.setdefault(region.class_name, set()).add(region.element)
        counts = {name: len(found) for name, found in elements.items()}
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    def select(self, *class_names: str | None) -> Self:
        """Return the annotations of these classes alone; None selects those without a class."""
        kept = tuple(region for region in self.polygons if region.class_name in class_names)
        return replace(self, polygons=kept)

    def union(self) -> BaseGeometry:
        """Return the area inside any polygon, counted once, in level-0 pixels."""
        # Nuclei hardly touch: joining only those that do is some 75 times faster for 50,000.
        return shapely.disjoint_subset_union_all([region.polygon for region in self.polygons])

    def overlap(self, locations: NDArray[np.number], size_px: float) -> NDArray[np.float64]:
        """Return the share of each square that lies inside any polygon, shape (n,).

        Parameters
        ----------
        locations : shape (n, 2), level-0 pixels
            Top-left corners (x, y).
        size_px : float
            Edge of the squares in level-0 pixels.

        Raises
        ------
        ShapeError
            When the locations are not (n, 2), or the squares have no area.
        """
        return overlap(self.union(), locations, size_px)


def overlap(
    outline: BaseGeometry, locations: NDArray[np.number], size_px: float
) -> NDArray[np.float64]:
    """Return the share of each square that lies inside ``outline``.

    Parameters
    ----------
    outline : Polygon or MultiPolygon
        Valid, so that its pieces do not overlap; level-0 pixels.
    locations : shape (n, 2), level-0 pixels
        Top-left corners (x, y).
    size_px : float
        Edge of the squares in level-0 pixels.

    Returns
    -------
    shape (n,), between 0 and 1

    Raises
    ------
    ShapeError
        When the locations are not (n, 2), or the squares have no area.
    """
    corners = np.asarray(locations, np.float64)
    if corners.ndim != 2 or corners.shape[1] != 2 or not size_px > 0:
        msg = (
            f"Squares are given by locations of shape (n, 2) and an edge above 0; found shape "
            f"{corners.shape} and edge {size_px}. Pass the x and y columns of the patches side "
            "by side, and their size in level-0 pixels."
        )
        raise ShapeError(msg)
    squares = shapely.box(corners[:, 0], corners[:, 1], *(corners + size_px).T)
    pieces = shapely.get_parts(outline)
    tree = shapely.STRtree(squares)
    covered = np.zeros(len(corners))
    # Most squares are wholly inside or outside: a prepared outline tells that without cutting.
    inside = tree.query(pieces, predicate="contains_properly")[1]
    covered[inside] = size_px**2
    piece, square = tree.query(pieces, predicate="intersects")
    on_edge = covered[square] == 0
    piece, square = piece[on_edge], square[on_edge]
    areas = shapely.area(shapely.intersection(pieces[piece], squares[square]))
    covered += np.bincount(square, weights=areas, minlength=len(corners))
    return np.asarray(np.clip(covered / size_px**2, 0.0, 1.0))
