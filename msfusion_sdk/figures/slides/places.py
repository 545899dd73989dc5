"""Where the patches of a slide lie, when nothing else is known of them."""

from msfusion_sdk.arrays import Floats
from msfusion_sdk.figures.picture import Picture
from msfusion_sdk.figures.slides.thumbnail import draw_ground, squares
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
    figure = Picture(figsize=(WIDTH, min(1.3, height / width) * WIDTH), layout="constrained")
    axes = figure.add_subplot()
    draw_ground(axes, overview, overview.pixels, mpp)
    axes.add_collection(squares((x, y, size) for x, y in corners))
    return figure
