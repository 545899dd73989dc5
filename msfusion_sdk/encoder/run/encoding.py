"""One open slide through the networks: patches to batches, batches to a running sum."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing

import numpy as np
import torch
from torch import Tensor

from msfusion_sdk.config import EncoderConfig, QualityConfig, ReadConfig
from msfusion_sdk.encoder.networks.accumulator import PatchAccumulator, PatchQualities
from msfusion_sdk.encoder.networks.model import PatchFeatures
from msfusion_sdk.encoder.result.provenance import BadRegion
from msfusion_sdk.encoder.run.reading import Measure, PatchRead, read_patches
from msfusion_sdk.encoder.run.staining import Recolour
from msfusion_sdk.errors import SlideCorruptError
from msfusion_sdk.slides.quality.patch_quality import quality_factor, quality_problem
from msfusion_sdk.slides.readers.reader import Slide
from msfusion_sdk.slides.tissue.survey import Survey

__all__ = ["Findings", "Progress", "encode_patches"]

Progress = Callable[[int, int], None]
"""Called with the number of patches done and the number in all."""

Computed = tuple[list[tuple[int, int]], PatchFeatures, PatchQualities | None]
"""The corners of a batch of patches, what the networks say of them, and their quality."""

READ_AHEAD = 8


class Findings:
    """What the patches of one slide have brought so far."""

    def __init__(self, survey: Survey, config: EncoderConfig) -> None:
        self.patches = PatchAccumulator(config, survey.grid.l0_size_px)
        self.bad: list[BadRegion] = []
        self.excluded: list[BadRegion] = []
        self.with_missing = 0
        self._total, self._l0_size_px = len(survey.grid.locations), survey.grid.l0_size_px
        self._read, self.qc = config.read, config.qc

    def is_excluded(self, read: PatchRead) -> bool:
        """Return whether a patch is left out for its quality, and remember it."""
        if self.qc is None or self.qc.use != "exclude" or read.quality is None:
            return False
        reason = quality_problem(read.quality, self.qc)
        if reason:
            x, y = read.location
            self.excluded.append(
                BadRegion(x=x, y=y, size_px=self._l0_size_px, stage="quality", reason=reason)
            )
        return bool(reason)

    def note_bad(self, slide: Slide, location: tuple[int, int], error: SlideCorruptError) -> None:
        """Remember a patch that could not be decoded, or raise when that is one too many."""
        if self._read.on_bad_region == "raise":
            raise error
        x, y = location
        reason = _reason_without_names(slide, error)
        self.bad.append(BadRegion(x=x, y=y, size_px=self._l0_size_px, stage="patch", reason=reason))
        allowed = _allowed(self._read, self._total)
        if len(self.bad) > allowed or len(self.bad) == self._total:
            msg = (
                f"{len(self.bad)} of {self._total} patches could not be decoded (at most "
                f"{allowed} may fail, and one must be left), so the slide is not encoded. Copy it "
                f"again, or raise read.max_bad_share. The last error: {error}"
            )
            raise SlideCorruptError(msg) from error


def encode_patches(
    slide: Slide,
    survey: Survey,
    config: EncoderConfig,
    compute: Callable[[Tensor], PatchFeatures],
    *,
    recolour: Recolour | None = None,
    measure: Measure | None = None,
    batch_size: int,
    threads: int,
    progress: Progress | None = None,
) -> Findings:
    """Read every patch of the survey, run ``compute`` on batches of them and sum them up.

    Parameters
    ----------
    compute : callable
        Takes pixels, shape (patch, 3, size, size), bytes on the CPU.
    recolour : callable, optional
        Applied to the pixels of every patch by the thread that reads it.
    measure : callable, optional
        Gives the quality of a patch, in the same thread.
    batch_size, threads, progress
        As in ``SlideEncoder.encode``.

    Raises
    ------
    SlideCorruptError
        When more patches than the configuration allows cannot be decoded.
    """
    found = Findings(survey, config)
    locations = [(int(x), int(y)) for x, y in survey.grid.locations]
    # Two batches: while one is computed the next is read.
    ahead = max(READ_AHEAD, 2 * batch_size)
    reads = read_patches(
        slide,
        locations,
        survey.plan,
        recolour=recolour,
        measure=measure,
        threads=threads,
        ahead=ahead,
    )
    waiting: list[Computed] = []
    # Closing it stops the reading threads also when the networks or the caller fail.
    with closing(reads):
        for batch in _batches(reads, batch_size):
            for read in batch:
                if read.error is not None:
                    found.note_bad(slide, read.location, read.error)
            good = [r for r in batch if r.patch is not None and not found.is_excluded(r)]
            if good:
                waiting.append(_computed(good, compute, found))
            # A GPU answers later: it has the next batch before anybody waits for this one.
            if len(waiting) > 1:
                found.patches.add(*waiting.pop(0))
            if progress:
                # By its number, so that patches which could not be decoded count as done.
                progress(batch[-1].index + 1, len(locations))
    for computed in waiting:
        found.patches.add(*computed)
    return found


def _batches(reads: Iterable[PatchRead], size: int) -> Iterator[list[PatchRead]]:
    batch: list[PatchRead] = []
    for read in reads:
        batch.append(read)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


@torch.inference_mode()
def _computed(
    batch: list[PatchRead], compute: Callable[[Tensor], PatchFeatures], found: Findings
) -> Computed:
    patches = [read.patch for read in batch if read.patch is not None]
    pixels = torch.from_numpy(np.stack([patch.pixels for patch in patches])).permute(0, 3, 1, 2)
    found.with_missing += sum(patch.missing_share > 0 for patch in patches)
    return [read.location for read in batch], compute(pixels), _qualities(batch, found.qc)


def _qualities(batch: list[PatchRead], config: QualityConfig | None) -> PatchQualities | None:
    measured = [read.quality for read in batch if read.quality is not None]
    if config is None or not measured:
        return None
    factors = np.array([quality_factor(quality, config) for quality in measured])
    return PatchQualities(np.array(measured), factors if config.use == "weights" else None)


def _allowed(read: ReadConfig, total: int) -> int:
    # Of a small piece of tissue the share alone would allow no bad patch.
    return max(read.always_allowed, int(read.max_bad_share * total))


def _reason_without_names(slide: Slide, error: SlideCorruptError) -> str:
    """Return the decoder's message, unless it names the file: names can hold patient data."""
    text = str(error.__cause__ or "")
    # Provenance names no file, and the message of a decoder may.
    is_private = slide.path.stem in text or str(slide.path.parent) in text
    return "could not be decoded" if is_private or not text else text
