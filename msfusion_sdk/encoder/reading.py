"""Read patches ahead of the networks, in order, in bounded memory."""

import threading
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from msfusion_sdk.encoder.staining import Recolour
from msfusion_sdk.errors import SlideCorruptError
from msfusion_sdk.slides.geometry import PatchPlan
from msfusion_sdk.slides.reader import Slide
from msfusion_sdk.slides.sampling import PatchPixels, read_patch

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
    workers: int,
    ahead: int,
) -> Generator[PatchRead]:
    """Yield every patch in the order of ``locations``.

    Parameters
    ----------
    recolour : callable, optional
        Applied to the pixels of every patch.
    workers : int
        Reading threads; decoding releases the interpreter lock.  Each opens the slide for
        itself.  0 reads in the calling thread, without overlap.
    ahead : int
        Patches that may wait to be taken: the bound on memory.

    Raises
    ------
    SlideChangedError, SlideNotFoundError
        When the file changes; a damaged region is yielded as an error instead.
    """
    jobs = enumerate(locations)
    if workers == 0:
        for index, location in jobs:
            yield _read_one(slide, index, location, plan, recolour)
        return
    handles = _Handles(slide)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="msfusion-read")

    def read(index: int, location: Location) -> PatchRead:
        return _read_one(handles.mine(), index, location, plan, recolour)

    waiting: deque[Future[PatchRead]] = deque()
    try:
        for index, location in jobs:
            waiting.append(pool.submit(read, index, location))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        handles.close()


def _read_one(
    slide: Slide, index: int, location: Location, plan: PatchPlan, recolour: Recolour | None
) -> PatchRead:
    try:
        patch = read_patch(slide, location, plan)
    except SlideCorruptError as error:
        return PatchRead(index, location, None, error)
    if recolour is not None:
        patch = replace(patch, pixels=recolour(patch.pixels))
    return PatchRead(index, location, patch)


class _Handles:
    """One handle on the slide per thread, opened when the thread first reads."""

    def __init__(self, slide: Slide) -> None:
        self._slide = slide
        self._local = threading.local()
        self._opened: list[Slide] = []

    def mine(self) -> Slide:
        handle: Slide | None = getattr(self._local, "handle", None)
        if handle is None:
            handle = self._local.handle = self._slide.reopen()
            self._opened.append(handle)
        return handle

    def close(self) -> None:
        for handle in self._opened:
            handle.close()
