"""Patches arrive in order, and no more of them wait than were asked for."""

import random
import threading
import time
from typing import Self

import numpy as np
import pytest

from msfusion_sdk.encoder.run.reading import read_patches
from msfusion_sdk.errors import SlideChangedError, SlideCorruptError
from msfusion_sdk.slides.readers.reader import Region, Slide
from msfusion_sdk.slides.tissue.patch_plan import PatchPlan

PLAN = PatchPlan(level=0, l0_size=8.0, level_size_px=8, out_size_px=8, effective_mpp=0.25)
LOCATIONS = [(8 * i, 0) for i in range(40)]


class FakeSlide(Slide):
    """Answers with the patch's x as colour, after a while of any length."""

    def __init__(self, errors: dict[int, Exception] | None = None) -> None:
        self.errors = errors or {}
        self.reads, self.handles = 0, 0
        self._lock = threading.Lock()

    def read(self, location: tuple[int, int], level: int, size: tuple[int, int]) -> Region:
        with self._lock:
            self.reads += 1
        time.sleep(0.003 * random.random())
        if location[0] in self.errors:
            raise self.errors[location[0]]
        return Region(np.full((*size, 3), location[0] % 256, np.uint8), 0)

    def reopen(self) -> Self:
        with self._lock:
            self.handles += 1
        return self

    def close(self) -> None:
        self.handles -= 1


def reading_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("msfusion-read")]


@pytest.mark.parametrize("threads", [0, 1, 4])
def test_patches_come_in_the_order_of_their_locations(threads: int) -> None:
    reads = list(read_patches(FakeSlide(), LOCATIONS, PLAN, threads=threads, ahead=6))
    assert [(read.index, read.location) for read in reads] == list(enumerate(LOCATIONS))
    assert all((r.patch.pixels == r.location[0] % 256).all() for r in reads if r.patch)


def test_no_more_patches_wait_than_are_allowed_ahead() -> None:
    slide, waiting = FakeSlide(), []
    for taken, _ in enumerate(read_patches(slide, LOCATIONS, PLAN, threads=3, ahead=5)):
        time.sleep(0.01)
        waiting.append(slide.reads - taken)
    assert 1 < max(waiting) <= 5


@pytest.mark.parametrize("threads", [0, 3])
def test_a_damaged_region_is_told_and_the_rest_is_read(threads: int) -> None:
    slide = FakeSlide({80: SlideCorruptError("damaged")})
    reads = list(read_patches(slide, LOCATIONS, PLAN, threads=threads, ahead=4))
    assert [read.location for read in reads if read.error] == [(80, 0)]
    assert sum(read.patch is not None for read in reads) == len(LOCATIONS) - 1


@pytest.mark.parametrize("threads", [0, 3])
def test_a_changed_file_ends_the_reading_and_its_threads(threads: int) -> None:
    slide = FakeSlide({80: SlideChangedError("changed")})
    with pytest.raises(SlideChangedError):
        list(read_patches(slide, LOCATIONS, PLAN, threads=threads, ahead=4))
    assert not reading_threads()
    assert slide.handles == 0


def test_a_consumer_that_stops_ends_the_threads_and_closes_their_handles() -> None:
    slide = FakeSlide()
    reads = read_patches(slide, LOCATIONS, PLAN, threads=3, ahead=6)
    next(reads)
    assert reading_threads()
    reads.close()
    assert not reading_threads()
    assert slide.handles == 0
    assert slide.reads < len(LOCATIONS)
