"""Put together where a slide vector is from, while slide, survey and networks are at hand."""

import math
import platform
from importlib.metadata import version

import cv2
import numpy as np
import torch

from msfusion_sdk._version import __version__
from msfusion_sdk.config import EncoderConfig
from msfusion_sdk.encoder.backends.base import Backend
from msfusion_sdk.encoder.backends.devices import Runtime
from msfusion_sdk.encoder.result.provenance import (
    BadRegion,
    ModelIdentity,
    Provenance,
    RuntimeFacts,
    SlideIdentity,
    SpacingFacts,
    StainFacts,
    TissueFacts,
)
from msfusion_sdk.slides.readers.reader import Slide
from msfusion_sdk.slides.tissue.survey import Survey

__all__ = ["describe", "runtime_facts", "slide_identity"]


def slide_identity(slide: Slide) -> SlideIdentity:
    """Return the identity of an open slide."""
    header = slide.header
    return SlideIdentity(
        reader=header.reader,
        vendor=header.vendor,
        level_dimensions=header.level_dimensions,
        level_downsamples=header.level_downsamples,
        magnification=header.magnification,
        size_bytes=slide.stamp.size_bytes,
        mtime_ns=slide.stamp.mtime_ns,
        quickhash=header.quickhash,
        companions=slide.stamp.companions,
    )


def describe(
    slide: Slide,
    survey: Survey,
    config: EncoderConfig,
    model: ModelIdentity,
    runtime: RuntimeFacts,
    *,
    stain: StainFacts | None,
    bad_patches: list[BadRegion],
    excluded: list[BadRegion],
    patches_with_missing_pixels: int,
) -> Provenance:
    """Put together where a vector is from, with the warnings in the order they were met."""
    bad_blocks = [
        # Blocks at the border are not square, and a region is stated by one edge.
        BadRegion(x=x, y=y, size_px=max(w, h), stage="overview", reason="could not be decoded")
        for x, y, w, h in survey.overview.bad_blocks
    ]
    warnings = [*slide.header.warnings, *survey.warnings]
    if stain is not None and not stain.is_applied:
        warnings.append(f"the colours were not normalised: {stain.reason}")
    if bad_patches:
        warnings.append(
            f"{len(bad_patches)} of {len(survey.grid.locations)} patches could not be decoded and "
            "were left out"
        )
    if excluded:
        warnings.append(
            f"{len(excluded)} of {len(survey.grid.locations)} patches were left out for their "
            f"quality (the first: {excluded[0].reason})"
        )
    if patches_with_missing_pixels:
        warnings.append(
            "patches that reach over the slide's border or over pixels "
            f"that it lacks: {patches_with_missing_pixels}"
        )
    return Provenance(
        slide=slide_identity(slide),
        spacing=_spacing_facts(survey, config),
        tissue=_tissue_facts(survey),
        stain=stain,
        model=model,
        config=config,
        runtime=runtime,
        bad_regions=(*bad_blocks, *bad_patches),
        excluded=tuple(excluded),
        patches_with_missing_pixels=patches_with_missing_pixels,
        warnings=tuple(warnings),
    )


def _spacing_facts(survey: Survey, config: EncoderConfig) -> SpacingFacts:
    spacing, plan = survey.spacing, survey.plan
    return SpacingFacts(
        target_mpp=config.patches.target_mpp,
        slide_mpp=spacing.mpp,
        source=spacing.source,
        effective_mpp=plan.effective_mpp,
        level=plan.level,
        is_resampled=plan.is_resampled,
    )


def _tissue_facts(survey: Survey) -> TissueFacts:
    tissue, grid = survey.tissue, survey.grid
    return TissueFacts(
        area_mm2=tissue.area_um2 / 1e6,
        share=tissue.share,
        saturation_threshold=_finite(tissue.threshold),
        candidates=grid.candidates,
        keep_rule=grid.keep_rule,
        tissue_recall=_finite(grid.tissue_recall),
        overview_px_read=survey.overview.px_read,
    )


def _finite(value: float) -> float | None:
    # A slide without tissue has no threshold and no recall, and JSON has no NaN.
    return value if math.isfinite(value) else None


def runtime_facts(runtime: Runtime, backend: Backend | None = None) -> RuntimeFacts:
    """Return the device, the precision, what computes and the versions that matter."""
    # Asked of the modules: a package may be installed under another distribution's name.
    libraries = {module.__name__: str(module.__version__) for module in (torch, np, cv2)}
    versions = {"msfusion_sdk": __version__, **libraries}
    versions["python"] = platform.python_version()
    if runtime.backend == "openvino":
        # Of the distribution: importing it for its version would start its telemetry.
        versions["openvino"] = version("openvino")
    return RuntimeFacts(
        device=runtime.device,
        precision=runtime.precision,
        backend=(backend.name if backend else "") or runtime.backend,
        versions=versions,
        difference=backend.difference if backend else None,
        remark=backend.remark if backend else "",
    )
