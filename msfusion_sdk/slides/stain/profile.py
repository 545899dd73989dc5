"""What is known of the stains of one slide, and whether they are haematoxylin and eosin."""

from typing import Self

import numpy as np
from pydantic import model_validator

from msfusion_sdk.arrays import Pixels
from msfusion_sdk.config import StainConfig, StainMethod
from msfusion_sdk.errors import StainError
from msfusion_sdk.slides.stain.basis import (
    ONE_STAIN_DEG,
    PUBLISHED,
    angle,
    macenko_basis,
    vahadane_basis,
)
from msfusion_sdk.slides.stain.density import Basis, Density, concentrations, optical_density

__all__ = ["StainProfile", "find_profile"]

# Tissue has at least this share of the mean density of tissue, found by turns from a first
# guess: a fixed limit would take more of a dark scan than of a pale one.  Tinted glass reaches
# a density of 0.16.
TISSUE_SHARE, FIRST_GUESS, PALEST, TURNS = 0.5, 0.2, 0.15, 8
# Pixels that decide, and fewest that may: below it the extreme 1 % is ten pixels.
SAMPLE_PX, FEWEST_PX = 20_000, 1_000
STRONGEST = 99.0  # percentile of amount: the maximum would be noise

# Limits, measured with both methods.  Accepted must be four H&E slides, one of them also as
# DICOM, and 45 photographs of lung and colon, all of which pass but one of lung.  Refused must
# be grey, sepia, inverted and exchanged channels, wrongly decoded DICOM, black ink, and
# haematoxylin or eosin beside DAB.
# Degrees from the published stain.  Haematoxylin: H&E at most 26, exchanged channels 33 to 44,
# eosin beside DAB 36.  Eosin: H&E at most 29, wrongly decoded DICOM 38, DAB beside
# haematoxylin 47.
FROM_HAEMATOXYLIN_DEG, FROM_EOSIN_DEG = 30.0, 32.0
# Degrees between the two: H&E at least 11, black ink 3 to 4, grey 0.
APART_DEG = 6.0
# Share of density (root mean square) that two stains leave over: H&E at most 0.13, random
# colours 0.41.  DAB as strong as H&E, 0.15, passes.
LEFT_OVER = 0.18
# 99th percentile of the weaker stain: H&E at least 0.5, grey 0.
FAINTEST = 0.2


class StainProfile(StainConfig):
    """The two stains of a slide, checked: their colours, and how strong they get."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        basis = self.vectors()
        if np.abs(np.linalg.norm(basis, axis=1) - 1).max() > 1e-3 or basis.min() < 0:
            msg = f"basis must be two non-negative vectors of length 1, got {self.basis}."
            raise ValueError(msg)
        if angle(*basis) < ONE_STAIN_DEG or min(self.strength) <= 0:
            msg = (
                "basis must be two different stains and strength above 0, got "
                f"{self.basis} and {self.strength}."
            )
            raise ValueError(msg)
        return self

    def vectors(self) -> Basis:
        """Return the basis as an array, shape (2, 3)."""
        return np.array(self.basis, np.float32)


def find_profile(
    pixels: Pixels, *, method: StainMethod = "vahadane", seed: int = 0
) -> StainProfile:
    """Return the stains of the tissue among ``pixels``.

    Parameters
    ----------
    pixels : shape (..., 3), RGB
        Of one slide, from as many places as possible; glass among them is left out.
    method : 'vahadane' or 'macenko'
    seed : int
        Of the choice of 20,000 pixels, where there are more.

    Raises
    ------
    StainError
        When there is too little tissue, or its colours are not those of haematoxylin and
        eosin.  Magenta stains (PAS, fast red) beside haematoxylin pass: they look like eosin.
    """
    density = _tissue_density(pixels, seed)
    basis = vahadane_basis(density) if method == "vahadane" else macenko_basis(density)
    problem = _colour_problem(basis)
    if not problem:
        amounts = concentrations(density, basis)
        strength = np.percentile(amounts, STRONGEST, axis=0)
        problem = _fit_problem(density, amounts @ basis, float(strength.min()))
    if problem:
        msg = (
            f"The {method} method found stains that are not haematoxylin and eosin: {problem}. "
            "Leave this slide without colour normalisation, or leave it out."
        )
        raise StainError(msg)
    haematoxylin, eosin = (tuple(round(float(v), 6) for v in row) for row in basis)
    return StainProfile.model_validate(
        {
            "method": method,
            "basis": (haematoxylin, eosin),
            "strength": tuple(round(float(v), 6) for v in strength),
        }
    )


def _tissue_density(pixels: Pixels, seed: int) -> Density:
    """Return the densities of at most ``SAMPLE_PX`` pixels of tissue, shape (pixel, 3)."""
    density = optical_density(np.ascontiguousarray(pixels).reshape(-1, 3))
    darkness = density.mean(1)
    limit = FIRST_GUESS
    tissue = np.flatnonzero(darkness > limit)
    if len(tissue) < FEWEST_PX:
        msg = (
            f"Stains need {FEWEST_PX} pixels of tissue, and {len(tissue)} of {len(density)} are "
            f"darker than glass (mean optical density above {limit}). Pass more of the "
            "slide, or leave it without colour normalisation."
        )
        raise StainError(msg)
    for _ in range(TURNS):
        limit = max(TISSUE_SHARE * float(darkness[tissue].mean()), PALEST)
        tissue = np.flatnonzero(darkness > limit)
    if len(tissue) > SAMPLE_PX:
        tissue = np.random.default_rng(seed).choice(tissue, SAMPLE_PX, replace=False)
    return np.asarray(density[tissue])


def _colour_problem(basis: Basis) -> str:
    """Return why a basis is not haematoxylin and eosin; '' when it may be."""
    if (apart := angle(*basis)) < APART_DEG:
        return f"the two are {apart:.1f}° apart, and {APART_DEG:g}° are needed to tell them apart"
    for name, limit, row, published in zip(
        ("haematoxylin", "eosin"),
        (FROM_HAEMATOXYLIN_DEG, FROM_EOSIN_DEG),
        basis,
        PUBLISHED,
        strict=True,
    ):
        if (off := angle(row, published)) > limit:
            return (
                f"the one nearest to {name} is {off:.0f}° from its published colour, and "
                f"{limit:g}° are allowed"
            )
    return ""


def _fit_problem(density: Density, fitted: Density, weakest: float) -> str:
    """Return why two stains do not explain the densities; '' when they do."""
    left_over = float(np.linalg.norm(density - fitted) / np.linalg.norm(density))
    if left_over > LEFT_OVER:
        return (
            f"two stains leave {100 * left_over:.0f} % of the density unexplained, and "
            f"{100 * LEFT_OVER:g} % are allowed"
        )
    if weakest < FAINTEST:
        return (
            f"the weaker of the two reaches an amount of {weakest:.2f}, and {FAINTEST:g} is needed"
        )
    return ""
