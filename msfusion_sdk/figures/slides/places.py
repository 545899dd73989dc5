"""Where the patches of a slide lie, when nothing else is known of them."""

from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle

from msfusion_sdk.arrays import Floats
from msfusion_sdk.figures.picture import Picture
from msfusion_sdk.figures.slides.scale_bar import draw_scale_bar
from msfusion_sdk.slides.tissue.overview import Overview

__all__ = ["draw_places"]

WIDTH = 7.0
"""Inches."""


def draw_places(overview: Overview, corners: Floats, size: float, mpp: float) -> Picture:
    """Return a slide with the squares of its patches.

    Parameters
    ----------
    overview : Overview
        The slide, small.
    corners : shape (patch, 2)
        Top left (x, y), level-0 pixels.
    size : float
        Edge of a patch, level-0 pixels.
    mpp : float
        µm per pixel of level 0.
    """
    height, width = overview.pixels.shape[:2]
    right, bottom = width * overview.l0_step[0], height * overview.l0_step[1]
    figure = Picture(figsize=(WIDTH, min(1.3, bottom / right) * WIDTH), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(overview.pixels, extent=(0, right, bottom, 0), interpolation="bilinear")
    axes.set(xlim=(0, right), ylim=(bottom, 0), xticks=[], yticks=[])
    squares = [Rectangle((x, y), size, size) for x, y in corners]
    # Thinner where there are thousands, which would be black otherwise.
    thin = 0.9 if len(squares) < 500 else 0.3
    axes.add_collection(
        PatchCollection(squares, facecolor="none", edgecolor="black", linewidth=thin)
    )
    draw_scale_bar(axes, right, bottom, mpp)
    return figure
