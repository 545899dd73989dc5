"""The slide whose stain colours all others are given."""

from collections.abc import Mapping, Sequence

import numpy as np

from msfusion_sdk.config import EncoderConfig, StainMethod
from msfusion_sdk.errors import SlideError, StainError, TableError
from msfusion_sdk.pretraining.annotated.listing import AnnotatedSlide
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.stain import StainProfile, slide_profile
from msfusion_sdk.slides.tissue.survey import survey_slide

__all__ = ["most_typical", "profiles_of", "target_profile"]

MOST_SLIDES = 100
"""Slides looked at for the typical one; more would not move it."""


def target_profile(
    slides: Sequence[AnnotatedSlide],
    encoder: EncoderConfig,
    method: StainMethod,
    *,
    named: str | None = None,
    seed: int = 0,
) -> tuple[str, StainProfile]:
    """Return the id and the stains of the target slide.

    Parameters
    ----------
    slides : sequence
        Of the training patients only: the target must not come from those held out.
    named : str, optional
        The id of the slide to use; without it the most typical of up to 100.

    Raises
    ------
    TableError
        When the slide that was named is not among them.
    StainError
        When no slide looks like H&E.
    """
    if named is not None:
        slides = [slide for slide in slides if slide.slide_id == named]
        if not slides:
            msg = (
                f"The target slide {named!r} is not among the slides of the training patients. "
                "Name one of them, or leave the choice out."
            )
            raise TableError(msg)
    order = np.random.default_rng(seed).permutation(len(slides))[:MOST_SLIDES]
    found, reasons = profiles_of([slides[i] for i in sorted(order)], encoder, method)
    if not found:
        msg = (
            f"No stain colours were found on any of {len(order)} slides (first: "
            f"{next(iter(reasons.values()), 'none')}). Train without colour normalisation: "
            "stain none."
        )
        raise StainError(msg)
    chosen = most_typical(found)
    return chosen, found[chosen]


def profiles_of(
    slides: Sequence[AnnotatedSlide], encoder: EncoderConfig, method: StainMethod
) -> tuple[dict[str, StainProfile], dict[str, str]]:
    """Return the stains of every slide that looks like H&E, and why the others have none."""
    found: dict[str, StainProfile] = {}
    reasons: dict[str, str] = {}
    for entry in slides:
        try:
            with open_slide(entry.path, mpp=entry.mpp) as slide:
                found[entry.slide_id] = slide_profile(
                    slide, survey_slide(slide, encoder), method=method
                )
        except (SlideError, StainError) as error:
            reasons[entry.slide_id] = str(error)
    return found, reasons


def most_typical(profiles: Mapping[str, StainProfile]) -> str:
    """Return the id of the profile nearest to all others (the medoid).

    Profiles are compared by the optical density of their two stains at full strength.
    """
    names = sorted(profiles)
    paints = np.stack(
        [(np.asarray(profiles[n].strength)[:, None] * profiles[n].vectors()).ravel() for n in names]
    )
    distances = np.linalg.norm(paints[:, None] - paints[None], axis=2)
    return names[int(distances.sum(1).argmin())]
