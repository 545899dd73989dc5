"""Where air is under the coverslip: dark outlines that run along a circle, on the overview.

Circles through three points of an outline are tried, and the one along which most of the outline
runs is kept, when dark lines surround most of it.

Source: random sample consensus, Fischler and Bolles, Communications of the ACM 24 (1981) 381-395.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Pixels
from msfusion_sdk.slides.tissue.ink import disk

__all__ = ["bubble_mask"]

Mask = NDArray[np.bool_]
Points = NDArray[np.float64]

OUTLINE_UM, CONTRAST = 72.0, 30
"""Outlines are thinner, and so much darker, of 255, than what is on both sides of them."""
RADII_UM = (60.0, 4000.0)
TRIES, LONGEST = 120, 64
"""Circles that are tried for an outline, and outlines that are looked at, the longest first."""
SECTORS, CLOSED, NEAR_PX = 36, 0.7, 1.6
"""Of the parts of a circle, how many have a dark line; how near to it that is."""


def bubble_mask(pixels: Pixels, mpp: float) -> Mask:
    """Return where an overview shows bubbles, with what is inside them.

    Parameters
    ----------
    pixels : shape (height, width, 3)
        RGB near 8 µm per pixel.
    mpp : float
        µm per pixel of the overview.
    """
    found = np.zeros(pixels.shape[:2], np.uint8)
    # By the brightest channel: stains leave one of the three bright, the rim of a bubble none.
    hat = cv2.morphologyEx(pixels.max(-1), cv2.MORPH_BLACKHAT, disk(OUTLINE_UM / mpp))
    lines = (hat > CONTRAST).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(lines, connectivity=8)
    extents = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1)
    # Label 0 is what is not dark.
    extents[0] = 0
    rng = np.random.default_rng(0)  # the same slide gives the same mask
    for label in np.argsort(-extents, kind="stable")[:LONGEST]:
        # The longest come first, so all that follow are too short as well.
        if extents[label] * mpp < RADII_UM[0]:
            break
        left, top, width, height, _ = stats[label]
        ys, xs = np.nonzero(labels[top : top + height, left : left + width] == label)
        circle = _circle(np.stack([xs + left, ys + top], 1).astype(np.float64), lines, mpp, rng)
        if circle is not None:
            x, y, radius = (round(part) for part in circle)
            cv2.circle(found, (x, y), radius + 1, 1, -1)
    return np.asarray(found > 0)


def _circle(
    points: Points, lines: Pixels, mpp: float, rng: np.random.Generator
) -> tuple[float, float, float] | None:
    """Return (x, y, radius) of the circle that most of an outline follows; None without one."""
    best, most = None, CLOSED
    for three in rng.integers(0, len(points), (TRIES, 3)):
        circle = _through(points[three])
        if circle is None or not RADII_UM[0] <= circle[2] * mpp <= RADII_UM[1]:
            continue
        share = _closed(circle, lines)
        if share > most:
            best, most = circle, share
    return best


def _through(three: Points) -> tuple[float, float, float] | None:
    """Return the circle through three points; None when they lie on a line."""
    (bx, by), (cx, cy) = three[1:] - three[0]
    area = 2 * (bx * cy - by * cx)
    if abs(area) < 1:
        return None
    x = (cy * (bx**2 + by**2) - by * (cx**2 + cy**2)) / area
    y = (bx * (cx**2 + cy**2) - cx * (bx**2 + by**2)) / area
    return float(three[0, 0] + x), float(three[0, 1] + y), float(np.hypot(x, y))


def _closed(circle: tuple[float, float, float], lines: Pixels) -> float:
    """Return the share of a circle that runs along dark lines, with glass or tissue inside."""
    x, y, radius = circle
    angles = np.linspace(0, 2 * np.pi, SECTORS, endpoint=False)
    on = np.zeros(SECTORS, np.bool_)
    off = np.zeros(SECTORS, np.bool_)
    # Dense tissue has dark lines anywhere, a bubble on its rim alone: those on a ring inside count
    # against it.
    for step, seen in ((-NEAR_PX, on), (0.0, on), (NEAR_PX, on), (-0.35 * radius, off)):
        columns = np.rint(x + (radius + step) * np.cos(angles)).astype(int)
        rows = np.rint(y + (radius + step) * np.sin(angles)).astype(int)
        inside = (columns >= 0) & (rows >= 0) & (columns < lines.shape[1]) & (rows < lines.shape[0])
        seen[inside] |= lines[rows[inside], columns[inside]] > 0
    return float(on.mean() - off.mean())
