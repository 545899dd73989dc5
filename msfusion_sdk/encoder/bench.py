"""Time the steps of encoding one slide, and say how long a cohort of such slides takes."""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.encoder.backends.base import Backend
from msfusion_sdk.encoder.result.provenance import RuntimeFacts
from msfusion_sdk.encoder.run.describing import runtime_facts
from msfusion_sdk.encoder.run.encoding import encode_patches
from msfusion_sdk.encoder.slide_encoder import SlideEncoder
from msfusion_sdk.errors import SlideCorruptError
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.readers.reader import Slide
from msfusion_sdk.slides.tissue.patch_reading import read_patch
from msfusion_sdk.slides.tissue.survey import Survey, survey_slide

__all__ = ["SlideTimes", "peak_memory_gb", "time_slide"]


T = TypeVar("T")


class SlideTimes(FrozenConfig):
    """Seconds of each step; those of a patch are medians over rounds."""

    reader: str
    runtime: RuntimeFacts
    patches: int
    """In the whole slide."""
    timed_patches: int
    """Of which these were read and computed, in every round."""
    open_s: float
    survey_s: float
    """Tissue mask and patch grid."""
    ready_s: float
    """Until the back end has computed its first patch."""
    decode_s: float
    """Per patch, one thread."""
    compute_s: float
    """Per patch, pixels at hand."""
    patch_s: float
    """Per patch, reading ahead of the networks as ``encode`` does."""
    peak_memory_gb: float | None

    @property
    def slide_s(self) -> float:
        """Seconds of the whole slide, by a process that is ready."""
        return self.open_s + self.survey_s + self.patches * self.patch_s

    def cohort_hours(self, slides: int) -> float:
        """Return the hours of so many slides like this one."""
        return (self.ready_s + slides * self.slide_s) / 3600


def time_slide(
    encoder: SlideEncoder,
    path: str | Path,
    *,
    mpp: float | None = None,
    patches: int = 24,
    rounds: int = 3,
) -> SlideTimes:
    """Encode a part of a slide several times and return what each step took.

    Parameters
    ----------
    mpp : float, optional
        As in ``SlideEncoder.encode``.
    patches : int
        At most so many are timed, neighbours from the middle of the slide.
    rounds : int
        The steps take turns, so that a busy machine disturbs all of them.

    Raises
    ------
    SlideError
        As ``SlideEncoder.encode``; ``SlideCorruptError`` also for a slide without patches.
    """
    slide, open_s = _timed(lambda: open_slide(path, mpp=mpp))
    with slide:
        survey, survey_s = _timed(lambda: survey_slide(slide, encoder.config))
        part = _middle(survey, patches)
        if not len(part.grid.locations):
            msg = f"{slide.path} has no patch to time: {survey.empty_reason}. Take another slide."
            raise SlideCorruptError(msg)
        # Before the first patch: what is compiled is compiled once, and not part of a slide.
        backend = encoder.backend()
        first = _pixels(slide, part)
        _, ready_s = _timed(lambda: _compute(backend, first))
        turns = [_round(encoder, slide, part, first) for _ in range(rounds)]
        decode_s, compute_s, patch_s = (
            statistics.median(turn) for turn in zip(*turns, strict=True)
        )
    return SlideTimes(
        reader=slide.header.reader,
        runtime=runtime_facts(encoder.runtime, backend),
        patches=len(survey.grid.locations),
        timed_patches=len(part.grid.locations),
        open_s=open_s,
        survey_s=survey_s,
        ready_s=ready_s,
        decode_s=decode_s,
        compute_s=compute_s,
        patch_s=patch_s,
        peak_memory_gb=peak_memory_gb(),
    )


def peak_memory_gb() -> float | None:
    """Return the most memory that this process has held, in GB (10⁹ bytes); None on Windows."""
    status = Path("/proc/self/status")
    if status.is_file():
        # The usage that getrusage gives begins, on Linux, with that of the process that started
        # this one.
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024 / 1e9
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9  # macOS counts in bytes


def _round(
    encoder: SlideEncoder, slide: Slide, part: Survey, first: torch.Tensor
) -> tuple[float, float, float]:
    """Return the seconds per patch of decoding, of computing, and of both together."""
    count, backend = len(part.grid.locations), encoder.backend()
    with open_slide(slide.path, mpp=slide.mpp_argument) as fresh:  # with nothing in its cache
        _, decode = _timed(lambda: [read_patch(fresh, place, part.plan) for place in _places(part)])
    # As many batches as the patches would fill, so that both columns are per patch.
    batches = -(-count // len(first))
    _, compute = _timed(lambda: [_compute(backend, first) for _ in range(batches)])
    with open_slide(slide.path, mpp=slide.mpp_argument) as fresh:
        _, both = _timed(lambda: _encode(encoder, fresh, part))
    return decode / count, compute / (batches * len(first)), both / count


def _encode(encoder: SlideEncoder, slide: Slide, part: Survey) -> None:
    encode_patches(
        slide,
        part,
        encoder.config,
        encoder.backend().features,
        batch_size=encoder.runtime.patches_per_batch(encoder.config.patches.images_per_patch),
        threads=encoder.runtime.reading_threads,
    )


def _pixels(slide: Slide, part: Survey) -> torch.Tensor:
    """Return one patch as often as a batch has room for."""
    patch = read_patch(slide, _places(part)[0], part.plan).pixels
    return torch.from_numpy(np.stack([patch] * 2)).permute(0, 3, 1, 2)


@torch.inference_mode()
def _compute(backend: Backend, pixels: torch.Tensor) -> None:
    # Asking for a number waits for a device that computes on its own.
    float(backend.features(pixels).vectors[0, 0])


def _middle(survey: Survey, patches: int) -> Survey:
    # From the middle: neighbours share stored tiles, as they do in the whole slide.
    spare = max(0, len(survey.grid.locations) - patches) // 2
    locations = survey.grid.locations[spare : spare + patches]
    return replace(survey, grid=replace(survey.grid, locations=locations))


def _places(part: Survey) -> list[tuple[int, int]]:
    return [(int(x), int(y)) for x, y in part.grid.locations]


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start
