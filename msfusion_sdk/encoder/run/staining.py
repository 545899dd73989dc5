"""Show the networks a slide in the stain colours that they were trained on."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.config import StainConfig
from msfusion_sdk.encoder.result.provenance import StainFacts
from msfusion_sdk.errors import StainError
from msfusion_sdk.slides.readers.reader import Slide
from msfusion_sdk.slides.stain import StainNormalizer, StainProfile, slide_profile
from msfusion_sdk.slides.tissue.survey import Survey

__all__ = ["Recolour", "recolour_for"]

Recolour = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def recolour_for(
    slide: Slide, survey: Survey, config: StainConfig | None
) -> tuple[Recolour | None, StainFacts | None]:
    """Return what is done to every patch of a slide, and what is to be remembered of it.

    Both are None when the model was trained without colour normalisation, or there is no
    patch.  A slide that does not look like H&E keeps its colours, and the facts say so.
    """
    if config is None or not len(survey.grid.locations):
        return None, None
    normalizer = StainNormalizer(target=StainProfile(**config.model_dump()))
    try:
        found = slide_profile(slide, survey, method=config.method)
    except StainError as error:
        # Without the path, which may name a patient.
        reason = str(error).replace(f"{slide.path}: ", "").replace(str(slide.path), "The slide")
        return None, StainFacts(is_applied=False, reason=reason)
    return lambda pixels: normalizer.transform(pixels, found), StainFacts(
        is_applied=True, found=found
    )
