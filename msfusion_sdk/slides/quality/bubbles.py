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
TRIES, LONGEST = 400, 64
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
    circles = _through(points[rng.integers(0, len(points), (TRIES, 3))])
    radius_um = circles[:, 2] * mpp
    circles = circles[(radius_um >= RADII_UM[0]) & (radius_um <= RADII_UM[1])]
    shares = _closed(circles, lines)
    if not len(circles) or shares.max() <= CLOSED:
        return None
    x, y, radius = circles[int(shares.argmax())]
    return float(x), float(y), float(radius)


def _through(three: Points) -> Points:
    """Return (x, y, radius) of the circles through three points; none for points on a line."""
    first = three[:, 0]
    (bx, by), (cx, cy) = (three[:, 1] - first).T, (three[:, 2] - first).T
    area = 2 * (bx * cy - by * cx)
    is_round = np.abs(area) >= 1
    area = np.where(is_round, area, 1)
    x = (cy * (bx**2 + by**2) - by * (cx**2 + cy**2)) / area
    y = (bx * (cx**2 + cy**2) - cx * (bx**2 + by**2)) / area
    circles = np.stack([first[:, 0] + x, first[:, 1] + y, np.hypot(x, y)], 1)
    return np.asarray(circles[is_round], np.float64)


def _closed(circles: Points, lines: Pixels) -> Points:
    """Return the share of each circle that runs along dark lines, less that of one inside it."""
    angles = np.linspace(0, 2 * np.pi, SECTORS, endpoint=False)
    x, y, radius = (circles[:, i : i + 1] for i in range(3))

    def seen(radii: Points) -> NDArray[np.bool_]:
        columns = np.rint(x + radii * np.cos(angles)).astype(int)
        rows = np.rint(y + radii * np.sin(angles)).astype(int)
        height, width = lines.shape
        inside = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height)
        on_line = lines[rows.clip(0, height - 1), columns.clip(0, width - 1)] > 0
        return np.asarray(inside & on_line, np.bool_)

    # Dense tissue has dark lines anywhere, a bubble on its rim alone: those on a ring inside count
    # against it.
    on = seen(radius - NEAR_PX) | seen(radius) | seen(radius + NEAR_PX)
    return np.asarray(on.mean(1) - seen(0.65 * radius).mean(1), np.float64)
