"""What a slide is and what encoding it would do, without running the networks."""

import os
from typing import Any

from msfusion_sdk.config import EncoderConfig, FrozenConfig
from msfusion_sdk.errors import SlideResolutionError
from msfusion_sdk.inspect.annotations import AnnotationDescription, describe_annotations
from msfusion_sdk.slides.annotations import Annotations
from msfusion_sdk.slides.files.names import slide_id_of
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.tissue.survey import survey_slide

__all__ = ["SlideDescription", "describe_slide"]


class SlideDescription(FrozenConfig):
    """The answer of ``msfusion info``.  Holds no label and no free text of the header."""

    slide_id: str
    reader: str
    vendor: str
    dimensions: tuple[int, int]
    """(width, height) of level 0, pixels."""
    level_dimensions: tuple[tuple[int, int], ...]
    level_downsamples: tuple[float, ...]
    mpp: float | None
    """µm per pixel of level 0; None when unknown."""
    magnification: float | None
    size_bytes: int
    encodable: bool
    problem: str
    """Why it cannot be encoded as it is; '' when it can."""
    tissue_area_mm2: float | None = None
    tissue_recall: float | None = None
    n_patches: int | None = None
    keep_rule: str | None = None
    warnings: tuple[str, ...] = ()
    annotations: AnnotationDescription | None = None


def describe_slide(
    path: str | os.PathLike[str],
    config: EncoderConfig,
    *,
    mpp: float | None = None,
    annotations: Annotations | None = None,
) -> SlideDescription:
    """Open a slide, find its tissue and count its patches.

    A slide whose spacing is missing or too coarse is described as far as it goes, with
    the problem named.

    Parameters
    ----------
    path : path
        A slide file, or the folder of a DICOM series.
    config : EncoderConfig
        Whose tissue and patch settings are used.
    mpp : float, optional
        µm per pixel of level 0; wins over the header.
    annotations : Annotations, optional
        Described beside the slide.

    Raises
    ------
    SlideError
        When the file cannot be opened or its overview not be decoded.
    """
    with open_slide(path, mpp=mpp) as slide:
        header = slide.header
        facts: dict[str, Any] = {
            "slide_id": slide_id_of(path),
            "reader": header.reader,
            "vendor": header.vendor,
            "dimensions": slide.dimensions,
            "level_dimensions": header.level_dimensions,
            "level_downsamples": header.level_downsamples,
            "mpp": mpp or header.header_mpp[0],
            "magnification": header.magnification,
            "size_bytes": slide.stamp.size_bytes,
        }
        if annotations is not None:
            facts["annotations"] = describe_annotations(
                annotations, slide.dimensions, mpp or header.header_mpp[0]
            )
        try:
            survey = survey_slide(slide, config)
        except SlideResolutionError as error:
            return SlideDescription(
                **facts, encodable=False, problem=str(error), warnings=header.warnings
            )
    recall = survey.grid.tissue_recall
    return SlideDescription(
        **facts,
        encodable=not survey.empty_reason,
        problem=survey.empty_reason,
        tissue_area_mm2=survey.tissue.area_um2 / 1e6,
        # NaN, which differs from itself, stands where there is no tissue.
        tissue_recall=recall if recall == recall else None,
        n_patches=len(survey.grid.locations),
        keep_rule=survey.grid.keep_rule,
        warnings=(*header.warnings, *survey.warnings),
    )
