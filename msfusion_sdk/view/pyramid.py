"""The levels of an open slide, read by many threads at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.slides.readers.reader import Slide

__all__ = ["Pyramid"]

SAME_DOWNSAMPLE = 1e-3
"""Scanners state 4.00003 where they mean 4; taken exactly, a finer level would be read."""


class Pyramid:
    """What OpenSlide's Deep Zoom generator asks about a slide to lay its tiles, and regions of it.

    A reader that meets damaged bytes replaces its handle, so no two threads may share one:
    each read borrows a reader that nobody else has.
    """

    def __init__(self, slide: Slide) -> None:
        self.slide = slide
        self.level_dimensions = slide.header.level_dimensions
        self.level_downsamples = slide.header.level_downsamples
        # The generator asks for a background colour, which readers have laid under already.
        self.properties: dict[str, str] = {}
        self._idle = [slide]
        self._is_closed = False
        self._lock = Lock()

    def get_best_level_for_downsample(self, downsample: float) -> int:
        """Return the coarsest level that is at least as fine as ``downsample``."""
        wanted = downsample * (1 + SAME_DOWNSAMPLE)
        fine = [level for level, own in enumerate(self.level_downsamples) if own <= wanted]
        return max(fine, default=0)

    def read(
        self, location: tuple[int, int], level: int, size: tuple[int, int]
    ) -> NDArray[np.uint8]:
        """Return the pixels of a region, RGB; the arguments are those of ``Slide.read``."""
        width, height = self.slide.dimensions
        # Downsamples that are not whole put the last row or column beyond the slide.
        inside = min(location[0], width - 1), min(location[1], height - 1)
        with self._borrowed() as reader:
            return reader.read(inside, level, (max(1, size[0]), max(1, size[1]))).pixels

    def close(self) -> None:
        """Close the readers that are idle now, and the others when they are given back."""
        with self._lock:
            idle, self._idle, self._is_closed = self._idle, [], True
        for reader in idle:
            reader.close()

    @contextmanager
    def _borrowed(self) -> Iterator[Slide]:
        with self._lock:
            reader = self._idle.pop() if self._idle else None
        # Outside the lock: opening a file may take long.
        reader = reader or self.slide.reopen()
        try:
            yield reader
        finally:
            with self._lock:
                is_late = self._is_closed
                if not is_late:
                    self._idle.append(reader)
            if is_late:
                reader.close()
