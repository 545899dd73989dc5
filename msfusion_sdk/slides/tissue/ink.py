"""Where marker ink lies: strokes of ink's own colours, judged against the stains of the slide."""

import cv2
import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Pixels
from msfusion_sdk.config import Stain

__all__ = ["disk", "ink_mask", "texture_of"]

Mask = NDArray[np.bool_]

# Green, blue and red (hue 185 is hue 5): first hue, last hue, saturation above which it is
# ink, saturation above which it is ink near a stroke of that colour.
INK_COLOURS = ((36, 94, 40, 25), (95, 111, 80, 40), (171, 184, 150, 70))
# How near a stroke faint ink may lie, and how far the blur around ink reaches.
FAINT_UM, RIM_UM = 96.0, 24.0
# Pixels of some stain or ink; haematoxylin and eosin with blood run from hue 108 over red to 10.
STAINED_SATURATION, STAINED_VALUE = 30, 40
HE_FIRST, HE_LAST = 108, 190
RED = 170
HE_SHARE = 0.5
"""Of the stained pixels: below, the slide's stain is not haematoxylin and eosin."""
STAIN_SHARE = 0.25
"""Of the stained pixels: so much of a colour of ink, if it is no stroke, is a stain."""
VERY_SMOOTH, SMOOTH, ROUGH = 4.0, 6.0, 9.0
"""Standard deviation of brightness in 3 x 3 pixels, of 255: ink is smoother than tissue."""
STROKE_PX = 150
"""Of the colour of a stain, a smaller part is never ink."""
RING_PX, GLASS_SHARE = 13, 0.4
"""How wide the surroundings of a stroke are, and how much of them is glass beside tissue."""


def ink_mask(hsv: Pixels, mpp: float, stain: Stain = "he") -> Mask:
    """Return where marker ink lies, with its faint parts and its blurred rim.

    Haematoxylin and eosin run from violet-blue to pink: hue 112 to 170 of OpenCV's 180.
    Coloured ink lies outside; blood does too, so red must be very saturated.  Black ink is
    darker than the densest nuclei.

    Another stain has these colours as well.  Where much of a slide has one and shows the
    texture of tissue, or where the slide's stain is not haematoxylin and eosin, only what is
    smooth, as ink is, counts as ink.

    Parameters
    ----------
    stain : 'he', 'ihc' or 'other'
        What is known of the slide; with the last two only what is smooth counts as ink.
    """
    hue, saturation, value = cv2.split(hsv)
    stained = (saturation > STAINED_SATURATION) & (value > STAINED_VALUE)
    near = disk(2 * FAINT_UM / mpp)
    is_strict = stain != "he" or not _looks_like_he(hue, stained)
    dark = (value < 70) | ((value < 90) & (saturation < 70))
    ink = _strokes(dark)
    if ink.any():
        ink = _without_stain(ink, ink > 0, value, stained | dark, is_strict=stain != "he")
    for first, last, strong, faint in INK_COLOURS:
        is_colour = _has_hue(hue, first, last)
        strokes = _strokes(is_colour & (saturation > strong))
        if strokes.any():  # on most slides there is no ink, and nothing to widen
            # Eosin and blood are red, so of red only what is strong tells of another stain.
            share_of = is_colour & (saturation > faint) if last > RED else is_colour & stained
            strokes = _without_stain(strokes, share_of, value, stained, is_strict=is_strict)
            ink |= strokes | (cv2.dilate(strokes, near) & (is_colour & (saturation > faint)))
    if not ink.any():
        return np.zeros(ink.shape, np.bool_)
    return np.asarray(cv2.dilate(ink, disk(2 * RIM_UM / mpp)) > 0)


def _has_hue(hue: NDArray[np.uint8], first: int, last: int) -> Mask:
    hues = ((np.arange(256) - first) % 180 <= last - first).astype(np.uint8)
    return np.asarray(cv2.LUT(hue, hues) > 0)


def _looks_like_he(hue: NDArray[np.uint8], stained: Mask) -> bool:
    count = int(stained.sum())
    return not count or (_has_hue(hue, HE_FIRST, HE_LAST) & stained).sum() >= HE_SHARE * count


def _strokes(colour: Mask) -> Pixels:
    # Single pixels of such colours occur in stained tissue; strokes are wider.
    opened = cv2.morphologyEx(colour.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return np.asarray(opened, np.uint8)


def _without_stain(
    strokes: Pixels, colour: Mask, value: NDArray[np.uint8], stained: Mask, *, is_strict: bool
) -> Pixels:
    """Return what is ink of the strokes of one of its colours; the rest is a stain."""
    texture, inner = texture_of(value), _inner(strokes)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    sizes = np.bincount(labels[inner], minlength=count)
    mean = np.bincount(labels[inner], texture[inner], minlength=count) / np.maximum(sizes, 1)
    is_ink = (mean <= VERY_SMOOTH) & (stats[:, cv2.CC_STAT_AREA] >= STROKE_PX) & (sizes > 0)
    is_ink[0] = False
    # What is ink beyond doubt says nothing about the colour of the tissue beside it.
    rest = ~is_ink[labels]
    is_much = (colour & rest).sum() >= STAIN_SHARE * (stained & rest).sum()
    doubtful = texture[_inner(strokes * rest)]
    has_texture = len(doubtful) > 0 and float(np.median(doubtful)) > SMOOTH
    if not (is_strict or (is_much and has_texture)):
        is_ink = (mean <= ROUGH) | (_share_on_glass(labels, count, stained) >= GLASS_SHARE)
    is_ink[0] = False
    return np.asarray(is_ink[labels], np.uint8)


def _share_on_glass(labels: NDArray[np.int32], count: int, stained: Mask) -> NDArray[np.float64]:
    """Return how much of the surroundings of each part is not stained."""
    brush = disk(RING_PX)
    grown = cv2.dilate(labels.astype(np.float32), brush).astype(np.int32)
    ring = (grown > 0) & (labels == 0)
    around = np.bincount(grown[ring], minlength=count)
    glass = np.bincount(grown[ring & ~stained], minlength=count)
    return np.asarray(glass / np.maximum(around, 1), np.float64)


def _inner(strokes: Pixels) -> Mask:
    """Return the pixels away from an edge, whose contrast is not texture; all where none is."""
    for edge in (5, 3):
        inner = cv2.erode(strokes, np.ones((edge, edge), np.uint8)) > 0
        if inner.any():
            return np.asarray(inner)
    return np.asarray(strokes > 0)


def texture_of(value: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the standard deviation around each pixel."""
    grey = value.astype(np.float32)
    mean = cv2.blur(grey, (3, 3))
    return np.asarray(np.sqrt(np.maximum(cv2.blur(grey * grey, (3, 3)) - mean**2, 0)), np.float32)


def disk(diameter_px: float) -> Pixels:
    """Return a disk of an odd diameter for OpenCV's morphology."""
    size = max(1, 2 * round(diameter_px / 2 - 0.5) + 1)
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)
