"""Read patches ahead of the networks, in order, in bounded memory."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.encoder.run.staining import Recolour
from msfusion_sdk.errors import SlideCorruptError
from msfusion_sdk.slides.quality.patch_quality import PatchQuality
from msfusion_sdk.slides.readers.prefetch import prefetch
from msfusion_sdk.slides.readers.reader import Slide
from msfusion_sdk.slides.tissue.patch_plan import PatchPlan
from msfusion_sdk.slides.tissue.patch_reading import PatchPixels, read_patch

__all__ = ["Measure", "PatchRead", "read_patches"]

Location = tuple[int, int]
Measure = Callable[[NDArray[np.uint8], Location], PatchQuality]


@dataclass(frozen=True)
class PatchRead:
    """One patch, or the reason why it could not be read."""

    index: int
    location: Location
    patch: PatchPixels | None
    error: SlideCorruptError | None = None
    quality: PatchQuality | None = None


def read_patches(
    slide: Slide,
    locations: Sequence[Location],
    plan: PatchPlan,
    *,
    recolour: Recolour | None = None,
    measure: Measure | None = None,
    threads: int,
    ahead: int,
) -> Generator[PatchRead]:
    """Yield every patch in the order of ``locations``.

    Parameters
    ----------
    recolour : callable, optional
        Applied to the pixels of every patch.
    measure : callable, optional
        Gives the quality of a patch from its own colours and its location.
    threads, ahead : int
        As in :func:`~msfusion_sdk.slides.readers.prefetch.prefetch`.

    Raises
    ------
    SlideChangedError, SlideNotFoundError
        When the file changes; a damaged region is yielded as an error instead.
    """

    def read(handle: Slide, job: tuple[int, Location]) -> PatchRead:
        index, location = job
        try:
            patch = read_patch(handle, location, plan)
        # As a value: raised here, it would end the reading of all other patches.
        except SlideCorruptError as error:
            return PatchRead(index, location, None, error)
        quality = measure(patch.pixels, location) if measure else None
        if recolour is not None:
            patch = replace(patch, pixels=recolour(patch.pixels))
        return PatchRead(index, location, patch, quality=quality)

    return prefetch(slide, enumerate(locations), read, threads=threads, ahead=ahead)
