"""Read patches ahead of the networks, in order, in bounded memory."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

from msfusion_sdk.encoder.run.staining import Recolour
from msfusion_sdk.errors import SlideCorruptError
from msfusion_sdk.slides.readers.prefetch import prefetch
from msfusion_sdk.slides.readers.reader import Slide
from msfusion_sdk.slides.tissue.patch_plan import PatchPlan
from msfusion_sdk.slides.tissue.patch_reading import PatchPixels, read_patch

__all__ = ["PatchRead", "read_patches"]

Location = tuple[int, int]


@dataclass(frozen=True)
class PatchRead:
    """One patch, or the reason why it could not be read."""

    index: int
    location: Location
    patch: PatchPixels | None
    error: SlideCorruptError | None = None


def read_patches(
    slide: Slide,
    locations: Sequence[Location],
    plan: PatchPlan,
    *,
    recolour: Recolour | None = None,
    threads: int,
    ahead: int,
) -> Generator[PatchRead]:
    """Yield every patch in the order of ``locations``.

    Parameters
    ----------
    recolour : callable, optional
        Applied to the pixels of every patch.
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
        if recolour is not None:
            patch = replace(patch, pixels=recolour(patch.pixels))
        return PatchRead(index, location, patch)

    return prefetch(slide, enumerate(locations), read, threads=threads, ahead=ahead)
