"""Pictures of a few slides of a cohort, as far as their files are still there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from msfusion_sdk.cohort.cohort import Cohort
from msfusion_sdk.cohort.export.patch_features import Places, places_of
from msfusion_sdk.cohort.features.attached import attached_rows
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.cohort.store.stored_result import stored_result
from msfusion_sdk.encoder.result.embedding import SlideEmbedding
from msfusion_sdk.errors import SlideError, StoreError, TableError
from msfusion_sdk.figures.slides.contact_sheet import draw_contact_sheet
from msfusion_sdk.figures.slides.overlay import draw_overlay, read_thumbnail
from msfusion_sdk.figures.slides.places import draw_places
from msfusion_sdk.figures.slides.thumbnail import read_ground
from msfusion_sdk.figures.style import DPI
from msfusion_sdk.report.chapters.slide_facts import SlideFacts
from msfusion_sdk.report.html.page_table import number
from msfusion_sdk.report.html.render import picture_uri
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.readers.file_kind import classify
from msfusion_sdk.tables.paths import path_of

__all__ = ["SLIDES_SHOWN", "SlidePicture", "SlidePictures", "draw_slides"]

SLIDES_SHOWN = 6


@dataclass(frozen=True)
class SlidePicture:
    """One slide: pictures as data URIs, each with what it shows in words."""

    slide_id: str
    caption: str
    overlay: str
    sheet: str
    """'' when there is one patch, or the patches were not stored."""


@dataclass(frozen=True)
class SlidePictures:
    """A few slides, and why others are not among them."""

    shown: tuple[SlidePicture, ...]
    encoded: int
    unreachable: tuple[str, ...]
    """Slides that were to be shown and why they cannot be."""
    is_attached: bool = False
    """Whether patches and features are another program's."""


def draw_slides(
    cohort: Cohort, slides: Sequence[SlideFacts], fingerprint: str | None
) -> SlidePictures:
    """Draw the slides whose patches hold the least of their tissue: they deserve a look most.

    Of features that were made elsewhere, whose tissue is not known, the first few.
    """
    if fingerprint is None or cohort.slides is None:
        return SlidePictures((), 0, ())
    attached, _ = attached_rows(cohort.root, fingerprint)
    encoded = [one for one in slides if one.has_vector]
    if not attached:
        encoded = [one for one in encoded if one.tissue_recall is not None]
        encoded.sort(key=lambda one: one.tissue_recall or 0.0)
    store = EmbeddingStore(cohort.root, fingerprint)
    wanted = {one.slide_id for one in encoded[:SLIDES_SHOWN]}
    rows = {row["slide_id"]: row for row in cohort.slides.to_pylist() if row["slide_id"] in wanted}
    shown, unreachable = [], []
    for one in encoded[:SLIDES_SHOWN]:
        row = rows[one.slide_id]
        path = path_of(row)
        try:
            shown.append(
                _draw_attached(path, row, places_of(attached[one.slide_id]))
                if attached
                else _draw(path, stored_result(store, one.slide_id))
            )
        except (SlideError, StoreError, TableError, ValidationError) as error:
            why = str(error).replace(f"{path.parent}/", "")
            unreachable.append(f"{one.slide_id}: {why}")
    return SlidePictures(tuple(shown), len(encoded), tuple(unreachable), bool(attached))


def _draw(path: Path, result: SlideEmbedding) -> SlidePicture:
    # Of a folder of DICOM instances one is the file, and the others its companions.
    if not result.provenance.slide.is_of(classify(path).stamp):
        msg = f"{path} is not the file that was encoded: it has changed since."
        raise SlideError(msg)
    # One patch is the strongest and the weakest.
    has_sheet = result.patches.num_rows > 1
    return SlidePicture(
        slide_id=result.slide_id,
        caption=_caption(result),
        overlay=picture_uri(draw_overlay(read_thumbnail(path, result), result), dpi=DPI),
        sheet=picture_uri(draw_contact_sheet(path, result), dpi=DPI) if has_sheet else "",
    )


def _draw_attached(path: Path, row: Mapping[str, Any], places: Places) -> SlidePicture:
    with open_slide(path, mpp=row.get("mpp")) as slide:
        mpp = slide.spacing().mpp
        overview = read_ground(slide, mpp)
    corners, size = places.in_pixels(mpp)
    return SlidePicture(
        slide_id=row["slide_id"],
        caption=f"Patches: {len(corners):,}, of features that were made elsewhere: in their plain "
        "mean all weigh the same.",
        overlay=picture_uri(draw_places(overview, corners, size, mpp), dpi=DPI),
        sheet="",
    )


def _caption(result: SlideEmbedding) -> str:
    tissue = result.provenance.tissue
    recall = number(None if tissue.tissue_recall is None else 100 * tissue.tissue_recall, 0)
    text = f"{number(tissue.area_mm2, 2)} mm² of tissue, {recall} % of it inside patches."
    if result.patches.num_rows:
        return f"Patches: {result.patches.num_rows:,}. {text}"
    return f"{text} Its patches were not stored: msfusion cohort encode --patches does so."
