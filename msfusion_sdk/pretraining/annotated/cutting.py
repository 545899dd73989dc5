"""One annotated slide to labelled context images and tiles."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Pixels
from msfusion_sdk.config import EncoderConfig, PatchConfig
from msfusion_sdk.encoder.run.staining import Recolour, recolour_for
from msfusion_sdk.errors import SlideCorruptError, TableError
from msfusion_sdk.files import made_folder, store_bytes
from msfusion_sdk.pretraining.annotated.dataset_config import DatasetConfig
from msfusion_sdk.pretraining.annotated.labels import (
    NO_CLASS,
    choose,
    label_images,
    shares_inside,
)
from msfusion_sdk.pretraining.annotated.listing import AnnotatedSlide
from msfusion_sdk.pretraining.views import Scale, shrunk
from msfusion_sdk.slides.annotations import Annotations, read_annotations
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.readers.reader import Slide
from msfusion_sdk.slides.tissue.grid import keep_by_area
from msfusion_sdk.slides.tissue.patch_reading import read_patch
from msfusion_sdk.slides.tissue.survey import Survey, survey_slide

__all__ = ["CutSlide", "cut_slide", "slide_key"]

# Nearly lossless: what the networks would learn of a second compression is not in slides.
JPEG = [
    cv2.IMWRITE_JPEG_QUALITY, 95,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
]  # fmt: skip


@dataclass(frozen=True)
class CutSlide:
    """What one slide gave."""

    rows: list[dict[str, str]]
    """scale, class, file; a row per image."""
    facts: dict[str, Any]
    """Patches kept and labelled, what was repaired or left as it was."""


def slide_key(slide_id: str) -> str:
    """Return a name for files that any id can have, the same in every run."""
    return hashlib.sha256(slide_id.encode()).hexdigest()[:16]


def cut_slide(
    entry: AnnotatedSlide, out: Path, config: DatasetConfig, encoder: EncoderConfig
) -> CutSlide:
    """Write the labelled images of one slide below ``out/context`` and ``out/detail``.

    A patch has the class of the outline that holds at least ``min_overlap`` of it, or is
    normal; its tiles are judged each for itself, and left out where they are glass.

    Raises
    ------
    SlideError
        When the slide cannot be read or its spacing is unknown.
    AnnotationError
        When its outlines cannot be read.
    TableError
        When it has no outlines and is not a normal slide.
    """
    annotations = _annotations(entry, config)
    _check_names(entry, annotations)
    with open_slide(entry.path, mpp=entry.mpp) as slide:
        survey = survey_slide(slide, encoder)
        recolour, stain = recolour_for(slide, survey, encoder.stain)
        cutter = _Cutter(entry, slide, survey, annotations, config, recolour, encoder.patches)
        labels = cutter.labels(survey.grid.locations, survey.grid.l0_size_px)
        chosen = choose(labels, config.patches_per_slide, _rng(entry, config))
        rows, damaged = [], 0
        for number in chosen:
            try:
                rows += cutter.cut(survey.grid.locations[number], str(labels[number]), out)
            except SlideCorruptError:
                damaged += 1
        # A slide that is replaced while it is cut would give images of two pictures.
        slide.require_unchanged()
    facts = {
        "patches": len(labels),
        "in_between": int((labels == NO_CLASS).sum()),
        "chosen": len(chosen),
        "damaged": damaged,
        "repairs": "; ".join(annotations.repairs) if annotations else "",
        "stain": "" if stain is None else (stain.reason or "normalised"),
        "empty": survey.empty_reason,
    }
    return CutSlide(rows, facts)


def _annotations(entry: AnnotatedSlide, config: DatasetConfig) -> Annotations | None:
    if entry.outlines is not None:
        return read_annotations(entry.outlines)
    if entry.is_normal(config):
        return None
    msg = (
        f"Slide {entry.slide_id!r} has no file of outlines, so nothing says where its tumour is. "
        f"Add one, or give the slide the class {config.normal!r} if it is free of tumour."
    )
    raise TableError(msg)


def _check_names(entry: AnnotatedSlide, annotations: Annotations | None) -> None:
    """Refuse classes that cannot be the name of a folder: datasets have a folder per class."""
    drawn = annotations.class_counts() if annotations is not None else {}
    named = {entry.label} if entry.label is not None else set(drawn)
    wrong = sorted(name for name in named if name and not _names_a_folder(name))
    if wrong:
        msg = (
            f"Slide {entry.slide_id!r} has the class {wrong[0]!r}, which cannot name a folder. "
            "Rename it without slashes."
        )
        raise TableError(msg)


def _names_a_folder(name: str) -> bool:
    return name.strip() not in ("", ".", "..") and not set(name) & set("/\\\0")


def _rng(entry: AnnotatedSlide, config: DatasetConfig) -> np.random.Generator:
    # A stream per slide: threads and resumed runs cut in another order and choose the same patches.
    return np.random.default_rng([config.seed, int(slide_key(entry.slide_id), 16)])


class _Cutter:
    """One open slide with its outlines."""

    def __init__(
        self,
        entry: AnnotatedSlide,
        slide: Slide,
        survey: Survey,
        annotations: Annotations | None,
        config: DatasetConfig,
        recolour: Recolour | None,
        geometry: PatchConfig,
    ) -> None:
        self.geometry = geometry
        self.entry, self.slide, self.survey = entry, slide, survey
        self.annotations, self.config, self.recolour = annotations, config, recolour

    def labels(self, locations: NDArray[np.int64], size_px: int) -> NDArray[np.object_]:
        """Return the class of every square, shape (square,)."""
        is_normal = self.entry.is_normal(self.config)
        inside = {}
        if self.annotations is not None and not is_normal:
            inside = shares_inside(
                self.annotations, locations, size_px, self.entry.label, self.config
            )
        return label_images(inside, len(locations), is_normal=is_normal, config=self.config)

    def cut(self, location: NDArray[np.int64], label: str, out: Path) -> list[dict[str, str]]:
        """Write the context image and the labelled tiles of one patch; return their rows."""
        x, y = (int(v) for v in location)
        patch = read_patch(self.slide, (x, y), self.survey.plan)
        # Pixels that the file lacks are filled in, and no network should learn the filling.
        if patch.missing_share:
            return []
        pixels = patch.pixels if self.recolour is None else self.recolour(patch.pixels)
        name = f"{slide_key(self.entry.slide_id)}-{x}-{y}"
        geometry, rows = self.geometry, []
        if not geometry.single_scale:
            whole = shrunk(pixels, geometry.context_size_px)
            rows.append(_write(whole, out, "context", label, f"{name}.jpg"))
        for number, (tile, tile_label) in enumerate(self._tiles(location, pixels), 1):
            if tile_label != NO_CLASS:
                rows.append(_write(tile, out, "detail", tile_label, f"{name}-{number}.jpg"))
        return rows

    def _tiles(self, location: NDArray[np.int64], pixels: Pixels) -> list[tuple[Pixels, str]]:
        """Return the tiles of a patch, row by row, each with its own class."""
        n = self.geometry.tiles
        edge, l0_edge = pixels.shape[0] // n, self.survey.grid.l0_size_px / n
        steps = np.array([(column, row) for row in range(n) for column in range(n)])
        corners = np.rint(location + steps * l0_edge).astype(np.int64)
        # Each tile anew: half of a tumour patch may be normal, or lie in between.
        labels = self.labels(corners, round(l0_edge))
        tissue = keep_by_area(self.survey.tissue, corners, round(l0_edge), self.config.min_tissue)
        labels[~tissue] = NO_CLASS
        return [
            (pixels[row * edge : (row + 1) * edge, column * edge : (column + 1) * edge], str(label))
            for (column, row), label in zip(steps, labels, strict=True)
        ]


def _write(image: Pixels, out: Path, scale: Scale, label: str, name: str) -> dict[str, str]:
    folder = out / scale / label
    is_made, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), JPEG)
    assert is_made, "OpenCV makes a JPEG of any image"
    store_bytes(made_folder(folder) / name, data.tobytes())
    return {"scale": scale, "class": label, "file": name}
