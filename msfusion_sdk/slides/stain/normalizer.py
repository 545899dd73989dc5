"""Show a patch in the stain colours of the target slide."""

from typing import Self

import cv2
import numpy as np

from msfusion_sdk.arrays import Pixels
from msfusion_sdk.config import FrozenConfig, StainMethod
from msfusion_sdk.slides.stain.density import TABLE, Basis, projections
from msfusion_sdk.slides.stain.profile import StainProfile, find_profile

__all__ = ["StainNormalizer"]

# Rows worked on at once: what lies between the steps stays in the processor's cache.
STRIP_ROWS = 32


class StainNormalizer(FrozenConfig):
    """Structure-preserving colour normalisation to one target slide.

    Each pixel keeps its own amounts of the two stains; only their colours, and the scale of
    each, become the target's.  It is made of numbers alone and is saved with the model.
    """

    target: StainProfile

    @classmethod
    def fit(cls, pixels: Pixels, *, method: StainMethod = "vahadane", seed: int = 0) -> Self:
        """Return a normaliser whose target is the tissue among ``pixels``.

        Parameters
        ----------
        pixels : uint8, shape (..., 3), RGB
            Of one slide, from as many places as possible; glass among them is left out.
        method : 'vahadane' or 'macenko'
        seed : int
            Of the choice of pixels, where there are very many.

        Raises
        ------
        StainError
            When there is too little tissue, or it is not stained with H&E.
        """
        return cls(target=find_profile(pixels, method=method, seed=seed))

    def profile_of(self, pixels: Pixels, *, seed: int = 0) -> StainProfile:
        """Return the stains of another slide, found with the method of the target.

        Parameters
        ----------
        pixels, seed
            As in ``fit``.

        Raises
        ------
        StainError
            As ``fit``.  The slide must then be left as it is.
        """
        return find_profile(pixels, method=self.target.method, seed=seed)

    def transform(self, patch: Pixels, source: StainProfile) -> Pixels:
        """Return a patch in the colours of the target.

        Parameters
        ----------
        patch : shape (height, width, 3), RGB
        source : StainProfile
            Of the slide the patch is from; the same for all its patches.

        Notes
        -----
        A fixed function of each pixel's colour, so overlapping patches agree where they
        overlap.  What the two stains cannot explain is dropped.
        """
        beside, alone = (_square(matrix) for matrix in projections(source.vectors()))
        gain = np.divide(self.target.strength, source.strength)[:, None]
        # Minus, because light falls with density.
        back = _square(-gain.astype(np.float32) * self.target.vectors()).T
        out = np.empty(patch.shape, np.uint8)
        for top in range(0, len(patch), STRIP_ROWS):
            strip = slice(top, top + STRIP_ROWS)
            density = cv2.LUT(patch[strip], TABLE)
            # ``concentrations``, on three channels of which the last is zero.
            amounts = cv2.transform(density, beside)
            cv2.min(amounts, cv2.transform(density, alone), dst=amounts)
            np.maximum(amounts, 0, out=amounts)
            light = cv2.exp(cv2.transform(amounts, back))
            cv2.convertScaleAbs(light, dst=out[strip], alpha=255)
        return out


def _square(matrix: Basis) -> Basis:
    """Add a row of zeros: OpenCV's transform is seven times faster from three to three channels."""
    return np.vstack([matrix, np.zeros((1, 3), np.float32)])
