"""Which part of a patch dust covers: specks that are dark and have no colour."""

import cv2
import numpy as np

from msfusion_sdk.arrays import Pixels

__all__ = ["DUST_MPP", "dust_share"]

DUST_MPP = 1.0
# Of 255.  The darkest nuclei keep a colour; carbon in a lung does not, and is counted as dust.
DARK, COLOURLESS = 110, 32
SPECK = np.ones((3, 3), np.uint8)


def dust_share(small: Pixels) -> float:
    """Return the share of a picture, RGB at ``DUST_MPP``, that is dark and colourless."""
    red, green, blue = cv2.split(small)
    brightest = cv2.max(cv2.max(red, green), blue)
    darkest = cv2.min(cv2.min(red, green), blue)
    dark = cv2.compare(brightest, DARK, cv2.CMP_LT)
    grey = cv2.compare(cv2.subtract(brightest, darkest), COLOURLESS, cv2.CMP_LT)
    specks = cv2.morphologyEx(cv2.bitwise_and(dark, grey), cv2.MORPH_OPEN, SPECK)
    return float(cv2.countNonZero(specks) / specks.size)
