"""How sharp a patch is: what re-blurring it would take from it.

Fine detail is the standard deviation of the Laplacian near 0.5 µm per pixel.  A sharp picture
loses most of it when it is blurred once more, one that is out of focus has little to lose, so
the quotient of before and after does not depend on how much structure the tissue has.

Sources: the energy of the Laplacian, Pech-Pacheco et al., ICPR 2000; re-blurring, Crété et al.,
Human Vision and Electronic Imaging XII, SPIE 6492 (2007).
"""

import math

import cv2
import numpy as np

from msfusion_sdk.arrays import Pixels

__all__ = ["FOCUS_MPP", "focus"]

FOCUS_MPP = 0.5
"""µm per pixel at which detail is measured; of a coarser picture its own."""
BLUR_PX, BLUR_EDGE = 1.5, 9
# Detail that noise and JPEG leave in a picture without any, of 255, and what keeps the quotient
# of two small numbers small.
NOISE, LEAST = 1.5, 0.5
GLASS, SHADE, PALEST = 243, 12, 35
"""Brightness of glass, and how much darker tissue is; paler than the last hides in the noise."""


def focus(small: Pixels) -> float:
    """Return how sharp a picture is: above 2 in focus, below 1.9 blurred by 0.75 µm or more.

    Parameters
    ----------
    small : shape (height, width, 3)
        RGB at ``FOCUS_MPP``.

    Returns
    -------
    float
        Higher is sharper.  NaN where the tissue is too pale to tell.
    """
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
    if _darkness(grey) < PALEST:
        return math.nan
    fine = grey.astype(np.float32)
    before = _detail(fine)
    after = _detail(cv2.GaussianBlur(fine, (BLUR_EDGE, BLUR_EDGE), BLUR_PX))
    return math.sqrt(max(before**2 - NOISE**2, 0)) / (after + LEAST)


def _detail(grey: cv2.typing.MatLike) -> float:
    _, spread = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_32F))
    return float(spread[0, 0])


def _darkness(grey: cv2.typing.MatLike) -> float:
    """Return how much darker than glass the tissue is on average; 0 without tissue."""
    counts = cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel()[: GLASS - SHADE]
    darkness = GLASS - np.arange(GLASS - SHADE)
    return float(counts @ darkness / max(1.0, counts.sum()))
