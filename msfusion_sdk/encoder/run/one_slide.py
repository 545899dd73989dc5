"""One slide file from opening to result."""

import os
from dataclasses import dataclass
from numbers import Integral
from typing import Self

from msfusion_sdk.config import EncoderConfig
from msfusion_sdk.encoder.backends.base import Backend
from msfusion_sdk.encoder.backends.devices import Runtime
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.encoder.result.embedding import SlideEmbedding
from msfusion_sdk.encoder.result.provenance import ModelIdentity, Provenance
from msfusion_sdk.encoder.run.describing import describe, runtime_facts
from msfusion_sdk.encoder.run.encoding import Findings, Progress, encode_patches
from msfusion_sdk.encoder.run.reading import Measure
from msfusion_sdk.encoder.run.staining import recolour_for
from msfusion_sdk.errors import SettingError
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.quality.patch_quality import SlideQuality
from msfusion_sdk.slides.tissue.survey import Survey, survey_slide

__all__ = ["Computing", "encode_file"]


@dataclass(frozen=True, eq=False)
class Computing:
    """How a slide is computed; nothing here changes its vector."""

    runtime: Runtime
    batch_size: int
    threads: int
    progress: Progress | None

    @classmethod
    def checked(
        cls,
        model: TwoScaleModel,
        runtime: Runtime,
        batch_size: int | None,
        threads: int | None,
        progress: Progress | None,
    ) -> Self:
        """Return these settings with their defaults, or raise.

        Raises
        ------
        SettingError, RuntimeError
            When a number cannot be, or the model is in training.
        """
        threads = runtime.reading_threads if threads is None else threads
        _require_count("threads", threads, 0)
        if batch_size is not None:
            _require_count("batch_size", batch_size, 1)
        if any(module.training for module in model.modules()):
            # Batch statistics would make the vector depend on the batch, and change the weights.
            msg = "The model is in training mode. Call encoder.model.eval() before encoding."
            raise RuntimeError(msg)
        usual = runtime.patches_per_batch(model.geometry.images_per_patch)
        return cls(runtime, batch_size or usual, threads, progress)


def _require_count(name: str, value: object, least: int) -> None:
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or value < least:  # type: ignore[operator]  # a whole number, as is_whole says
        msg = f"{name}={value!r} cannot be: give a whole number of at least {least}."
        raise SettingError(msg)


def encode_file(
    path: str | os.PathLike[str],
    slide_id: str,
    mpp: float | None,
    config: EncoderConfig,
    model: ModelIdentity,
    backend: Backend,
    by: Computing,
) -> SlideEmbedding:
    """Return the result of one slide; arguments as of ``SlideEncoder.encode``.

    Raises
    ------
    SlideError
    """
    with open_slide(path, mpp=mpp) as slide:
        survey = survey_slide(slide, config)
        recolour, stain = recolour_for(slide, survey, config.stain)
        found = encode_patches(
            slide,
            survey,
            config,
            backend.features,
            recolour=recolour,
            measure=_measure(survey, config),
            batch_size=by.batch_size,
            threads=by.threads,
            progress=by.progress,
        )
        # Before there is a result: pixels of two versions of a file must not become one vector.
        slide.require_unchanged()
        provenance = describe(
            slide,
            survey,
            config,
            model,
            runtime_facts(by.runtime, backend),
            stain=stain,
            bad_patches=found.bad,
            excluded=found.excluded,
            patches_with_missing_pixels=found.with_missing,
        )
    return _result(slide_id, survey, found, provenance)


def _measure(survey: Survey, config: EncoderConfig) -> Measure | None:
    """Return what measures the quality of a patch; None where nobody asked for it."""
    if config.qc is None:
        return None
    seen = SlideQuality.of(survey.overview, survey.tissue)
    mpp, l0_size_px = survey.plan.effective_mpp, survey.grid.l0_size_px
    return lambda pixels, location: seen.of_patch(pixels, mpp, location, l0_size_px)


def _result(
    slide_id: str, survey: Survey, found: Findings, provenance: Provenance
) -> SlideEmbedding:
    table = found.patches.table()
    is_empty = table.num_rows == 0
    everywhere = "no patch is good enough" if found.excluded else ""
    reasons = [survey.empty_reason or everywhere] if is_empty else []
    return SlideEmbedding(
        slide_id=slide_id,
        status="empty" if is_empty else "ok_with_warnings" if provenance.warnings else "ok",
        reason="; ".join([*reasons, *provenance.warnings]),
        vector=None if is_empty else found.patches.vector(),
        patches=table,
        provenance=provenance,
        tissue=[
            [[(float(x), float(y)) for x, y in ring] for ring in polygon]
            for polygon in survey.tissue.contours()
        ],
    )
