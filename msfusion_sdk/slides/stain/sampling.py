"""Find the stains of a whole slide from a few small regions of its tissue."""

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Pixels
from msfusion_sdk.config import StainMethod
from msfusion_sdk.errors import SlideCorruptError, StainError
from msfusion_sdk.slides.readers.reader import Slide
from msfusion_sdk.slides.stain.profile import StainProfile, find_profile
from msfusion_sdk.slides.tissue.mask import TissueMask
from msfusion_sdk.slides.tissue.survey import Survey

__all__ = ["slide_profile"]

# At most this many squares of this edge, at the level that patches are read from: 1 megapixel.
REGIONS, REGION_PX = 16, 256


def slide_profile(
    slide: Slide, survey: Survey, *, method: StainMethod = "vahadane", seed: int = 0
) -> StainProfile:
    """Return the stains of a slide, from squares centred on random places of its tissue.

    Parameters
    ----------
    slide : Slide
        Open.
    survey : Survey
        Of this slide: where its tissue is, and the level that patches are read from.
    method : 'vahadane' or 'macenko'
    seed : int
        Of the places and of the pixels in them; the same seed finds the same stains.

    Raises
    ------
    StainError
        When the slide shows too little tissue, or is not stained with H&E.
    SlideCorruptError
        When none of the places can be decoded.
    """
    rows, columns = np.nonzero(survey.tissue.mask)
    if not len(rows):
        msg = f"{slide.path} shows no tissue, so it has no stains to find."
        raise StainError(msg)
    chosen = np.random.default_rng(seed).permutation(len(rows))[:REGIONS]
    found: list[Pixels] = []
    damage: SlideCorruptError | None = None
    for column, row in zip(columns[chosen], rows[chosen], strict=True):
        try:
            found.append(_tissue_around(slide, survey, int(column), int(row)))
        except SlideCorruptError as error:
            # One damaged place is left out, as it is when patches are read.
            damage = error
    if damage is not None and not found:
        raise damage
    try:
        return find_profile(np.concatenate(found), method=method, seed=seed)
    except StainError as error:
        msg = f"{slide.path}: {error}"
        raise StainError(msg) from error


def _tissue_around(slide: Slide, survey: Survey, column: int, row: int) -> Pixels:
    """Return the tissue pixels, shape (pixel, 3), of the square around a mask pixel."""
    level = survey.plan.level
    downsample = slide.header.level_downsamples[level]
    width, height = (min(REGION_PX, edge) for edge in slide.header.level_dimensions[level])
    x, y = (
        round(min(max((place + 0.5) * l0_step - half, 0), edge - 2 * half))
        for place, l0_step, half, edge in zip(
            (column, row),
            survey.tissue.l0_step,
            (width * downsample / 2, height * downsample / 2),
            slide.dimensions,
            strict=True,
        )
    )
    corner = (max(x, 0), max(y, 0))
    pixels = slide.read(corner, level, (width, height)).pixels
    return pixels[_mask_of(survey.tissue, corner, downsample, pixels)]


def _mask_of(
    tissue: TissueMask, corner: tuple[int, int], downsample: float, pixels: Pixels
) -> NDArray[np.bool_]:
    """Return which pixels of a region are tissue: ink and what the file lacks are not."""
    (x, y), (height, width) = corner, pixels.shape[:2]
    across = (x + (np.arange(width) + 0.5) * downsample) / tissue.l0_step[0]
    down = (y + (np.arange(height) + 0.5) * downsample) / tissue.l0_step[1]
    last_row, last_column = (edge - 1 for edge in tissue.mask.shape)
    rows = np.minimum(down.astype(np.int64), last_row)
    columns = np.minimum(across.astype(np.int64), last_column)
    return np.asarray(tissue.mask[np.ix_(rows, columns)])
