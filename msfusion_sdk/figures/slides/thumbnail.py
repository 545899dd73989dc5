"""A slide as the ground of a picture, in level-0 pixels, and the squares of its patches."""

from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle

from msfusion_sdk.arrays import Pixels
from msfusion_sdk.figures.slides.scale_bar import draw_scale_bar
from msfusion_sdk.slides.readers.reader import Slide
from msfusion_sdk.slides.tissue.overview import Overview, read_overview

__all__ = ["LONG_SIDE_PX", "draw_ground", "read_ground", "squares"]

LONG_SIDE_PX = 1400


def read_ground(slide: Slide, mpp: float) -> Overview:
    """Read an open slide at the size at which it is drawn.

    Parameters
    ----------
    mpp : float
        µm per pixel of level 0.

    Raises
    ------
    SlideCorruptError
        When no part of it can be decoded.
    """
    return read_overview(slide, mpp, max(slide.dimensions) * mpp / LONG_SIDE_PX)


def draw_ground(axes: Axes, overview: Overview, pixels: Pixels, mpp: float) -> None:
    """Draw ``pixels``, those of the overview or made of them, with a scale bar."""
    height, width = pixels.shape[:2]
    right, bottom = width * overview.l0_step[0], height * overview.l0_step[1]
    axes.imshow(pixels, extent=(0, right, bottom, 0), interpolation="bilinear")
    axes.set(xlim=(0, right), ylim=(bottom, 0), xticks=[], yticks=[])
    draw_scale_bar(axes, right, bottom, mpp)


def squares(places: Iterable[tuple[float, float, float]]) -> PatchCollection:
    """Return the outlines of patches, each given as x, y and edge."""
    boxes = [Rectangle((x, y), size, size) for x, y, size in places]
    # Thinner where there are thousands, which would be black otherwise.
    width = 0.9 if len(boxes) < 500 else 0.3
    return PatchCollection(boxes, facecolor="none", edgecolor="black", linewidth=width)
