"""A committed part: one slide's row and where it is from, read with its checksums verified."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.encoder.result.provenance import SpacingFacts
from msfusion_sdk.slides.readers.file_kind import FileStamp
from msfusion_sdk.storage.parquet import digest_of, read_parquet, slide_schema

__all__ = ["Part", "PartKey", "part_of", "read_part"]


@dataclass(frozen=True, eq=False)
class Part:
    """What is stored of one slide, without its patch rows.

    Lighter than a ``SlideEmbedding``: a cohort reads ten thousand of them at once.
    """

    slide_id: str
    status: str
    reason: str
    vector: NDArray[np.float32] | None
    n_patches: int
    tissue_area_mm2: float
    tissue_recall: float | None
    n_bad_regions: int
    fingerprint: str
    header: str
    """The file's metadata, JSON; its digest vouches for all of the above."""

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Where the vector is from, as ``Provenance`` describes it."""
        found: dict[str, Any] = json.loads(json.loads(self.header)["provenance"])
        return found

    @property
    def row(self) -> dict[str, Any]:
        """The columns of the slide row."""
        return {name: getattr(self, name) for name in slide_schema(patches=False).names}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of row and header: equal ones are one result."""
        return digest_of(self.row, None, self.header)

    def is_of(self, slide_id: str, fingerprint: str, mpp: float | None) -> bool:
        """Return whether it is of a slide and a model, read at a spacing; None is the header's."""
        # Of features that were imported, some facts are missing.
        spacing = SpacingFacts.model_construct(**self.provenance["spacing"])
        found = self.slide_id, self.fingerprint, spacing.given_mpp
        return found == (slide_id, fingerprint, mpp)

    @property
    def made_of(self) -> tuple[object, ...]:
        """What decides the vector: the file, its spacing, weights and settings."""
        found = self.provenance
        return found["slide"], found["spacing"], found["model"]


@dataclass(frozen=True)
class PartKey:
    """What a part must have been made of to be the one that is wanted."""

    slide_id: str
    stamp: FileStamp
    mpp: float | None
    known_as: tuple[FileStamp, ...] = ()
    """Other stamps that the file had, at another place or time, with the same content."""

    def matches(self, part: Part, fingerprint: str) -> bool:
        """Return whether ``part`` holds this slide, this file, this spacing and this model."""
        stamps = (self.stamp, *self.known_as)
        is_same_file = any(_has_stamp(part.provenance["slide"], stamp) for stamp in stamps)
        return is_same_file and part.is_of(self.slide_id, fingerprint, self.mpp)


def _has_stamp(slide: dict[str, Any], stamp: FileStamp) -> bool:
    # Companions were not recorded by version 0.1.0.
    companions = slide.get("companions")
    if companions is not None and companions != stamp.companions:
        return False
    found = slide["size_bytes"], slide["mtime_ns"], slide.get("remote")
    return found == (stamp.size_bytes, stamp.mtime_ns, stamp.remote)


def read_part(path: Path) -> Part:
    """Return the part at ``path``.

    Raises
    ------
    FileNotFoundError, StoreCorruptError, StoreSchemaError, StoreVersionError, StoreError
    """
    row, _, _, header = read_parquet(path, must_be_sealed=True)
    return part_of(row, header)


def part_of(row: dict[str, Any], header: str) -> Part:
    """Return a slide row and its metadata as a part."""
    vector = row["vector"]
    return Part(
        **{name: value for name, value in row.items() if name != "vector"},
        vector=None if vector is None else np.asarray(vector, np.float32),
        header=header,
    )
