"""One immutable Parquet part per slide and model, committed all at once.

    embeddings/<fingerprint>/slide=<id>.parquet     the slide row: vector, status, provenance
    embeddings/<fingerprint>/pack-<digest>.parquet  up to 512 of them, after ``compact``
    patches/<fingerprint>/slide=<id>.parquet        the same with patch rows, when asked for

A part is written aside, flushed, and linked to its name only if that name is free, so any
number of processes may work on one folder: a reader sees a complete part or none.
Correctness rests on this commit alone; nothing here takes a lock.

A part beside an archive counts before the archive's row.  Readers change nothing: who encodes
sets aside what is damaged or outdated (``find``, ``commit``), and retires rows of archives.
"""

import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from msfusion_sdk.cohort.store.archives import (
    Archived,
    archived_digests,
    read_archives,
    retire,
    set_aside,
)
from msfusion_sdk.cohort.store.compacting import compact_parts, repair_archives
from msfusion_sdk.cohort.store.holdings import look_at, part_name, read_one, steadily
from msfusion_sdk.cohort.store.part import Part, PartKey, part_of, read_part
from msfusion_sdk.config import PATCH_VECTOR
from msfusion_sdk.errors import StoreConflictError, StoreCorruptError
from msfusion_sdk.files import made_folder, put_if_absent, remove_abandoned, temporary_beside
from msfusion_sdk.files.writing import drop
from msfusion_sdk.storage.parquet import read_parquet, write_parquet

if TYPE_CHECKING:
    from msfusion_sdk.encoder.result.embedding import SlideEmbedding

__all__ = ["EmbeddingStore"]

AGREEMENT = 0.05
"""Largest difference, relative to the vector's length, of two results that count as the same:
bf16 and fp32 differ by up to this, other weights or another slide by far more.  Networks from
elsewhere may differ more: three times what was measured of both."""


class EmbeddingStore:
    """The parts of one model in a cohort folder."""

    def __init__(self, root: str | Path, fingerprint: str) -> None:
        self.root, self.fingerprint = Path(root), fingerprint
        self.folder = self.root / "embeddings" / fingerprint
        self.patch_folder = self.root / "patches" / fingerprint

    @cached_property
    def _archived(self) -> Archived:
        # Looked for once: listing a large folder for every slide would take hours.
        return steadily(lambda: read_archives(self.folder))

    def prepare(self) -> None:
        """Make the folders, remove what killed processes left, and repair archives.

        Intact rows of a damaged archive go into a new one; it is set aside.
        """
        for folder in (self.folder, self.patch_folder):
            remove_abandoned(made_folder(folder))
        repair_archives(self.folder)

    def part(self, slide_id: str) -> Path:
        """Return where the slide's part is or would be."""
        return self.folder / part_name(slide_id)

    def patch_part(self, slide_id: str) -> Path:
        """Return where the slide's part with patch rows is or would be."""
        return self.patch_folder / part_name(slide_id)

    def read(self, slide_id: str) -> Part:
        """Return the part of a slide; errors as of ``read_one``."""
        return read_one(self.folder, slide_id, self._archived)

    def patch_rows(self, part: Part) -> pa.Table | None:
        """Return the patch rows of a part, or None where there are none of the same file.

        Those of a slide that was replaced lie there until it is encoded with patches again.

        Raises
        ------
        StoreError
            When they are damaged, or cannot be read.
        """
        try:
            stored = read_parquet(self.patch_part(part.slide_id), must_be_sealed=True)
        except FileNotFoundError:
            return None
        is_same = part_of(stored.row, stored.header).made_of == part.made_of
        return stored.patches if is_same else None

    def find(self, wanted: PartKey, *, patches: bool = False) -> Part | None:
        """Return the part that is wanted, its checksums verified, or None.

        A damaged part is set aside as ``*.corrupt``, and one of another file or spacing as
        ``*.outdated``; rows of archives that are outdated are retired.  The slide is work again.
        """
        path = self.part(wanted.slide_id)
        single, damage = look_at(path)
        archived = self._archived.parts.get(wanted.slide_id, [])
        if single is not None and wanted.matches(single, self.fingerprint):
            found: Part | None = single
        else:
            fitting = (part for part in archived if wanted.matches(part, self.fingerprint))
            found = next(fitting, None)
            # In this order: a process that is killed in between leaves no outdated row in use.
            retire(self.folder, {part.digest for part in archived if part is not found})
            if single is not None or damage is not None:
                set_aside(path, "outdated" if damage is None else "corrupt")
        if found is not None and patches and not self._has_patches(found):
            return None
        return found

    def find_kept(self, slide_id: str, mpp: float | None, *, patches: bool) -> Part | None:
        """Return the part of a slide whose file is no longer there; nothing is set aside."""
        try:
            part = self.read(slide_id)
            if patches and self.patch_rows(part) is None:
                return None
        except (KeyError, StoreCorruptError, StoreConflictError):
            return None
        return part if part.is_of(slide_id, self.fingerprint, mpp) else None

    def discard(self, slide_id: str) -> None:
        """Set the damaged part of a slide aside, and retire what archives have of it."""
        retire(self.folder, {part.digest for part in self._archived.parts.get(slide_id, [])})
        set_aside(self.part(slide_id), "corrupt")

    def commit(self, result: "SlideEmbedding", *, patches: bool = False) -> bool:
        """Store a result; return False when another process had stored the same before.

        Raises
        ------
        StoreConflictError
            When the one stored before holds other numbers.
        StoreFullError, StoreError
            When it cannot be written.  Nothing of it stays.
        """
        if patches:
            # Before the slide row, whose existence is what says that the slide is done.
            self._commit(self.patch_part(result.slide_id), result.to_parquet)
        return self._commit(
            self.part(result.slide_id), lambda path: result.to_parquet(path, patches=False)
        )

    def commit_row(
        self, row: dict[str, Any], provenance: dict[str, Any], *, dim: int = PATCH_VECTOR
    ) -> bool:
        """Store a slide row that was not made by an encoder; otherwise as ``commit``.

        Parameters
        ----------
        dim : int
            Length that the vector of a row without one would have.
        """
        metadata = {"provenance": json.dumps(provenance), "tissue": []}
        return self._commit(
            self.part(row["slide_id"]),
            lambda path: write_parquet(path, row, None, metadata, dim=dim),
        )

    def compact(self) -> int:
        """Move parts into archives of 512; return how many were moved.

        Not to be run while slides are encoded.

        Raises
        ------
        StoreCorruptError
            When a part is damaged.  Nothing is moved then.
        """
        return compact_parts(self.folder)

    def _has_patches(self, part: Part) -> bool:
        """Return whether the patch rows of a part are there, and of the same file and spacing."""
        path = self.patch_part(part.slide_id)
        found, damage = look_at(path)
        if damage is not None:
            set_aside(path, "corrupt")
        elif found is not None and found.made_of != part.made_of:
            set_aside(path, "outdated")
        else:
            return found is not None
        return False

    def _commit(self, target: Path, write: Callable[[Path], object]) -> bool:
        temporary = temporary_beside(target)
        try:
            write(temporary)
            # Each round ends here or frees the name, which another process may take first.
            while not put_if_absent(temporary, target):
                before, damage = look_at(target)
                if before is None and damage is None:  # set aside just now: the name is free
                    continue
                # As it was written, not as it is in memory: that is what others will read.
                mine = read_part(temporary)
                if before is not None and before.made_of == mine.made_of:
                    _require_agreement(before, mine, target)
                    return False
                if target.parent == self.folder:
                    # Without the part between, an archive's row would be the slide's again.
                    retire(self.folder, archived_digests(self.folder)[0].get(mine.slide_id, ()))
                set_aside(target, "outdated" if damage is None else "corrupt")
        finally:
            drop(temporary)
        return True


def _require_agreement(before: Part, result: Part, path: Path) -> None:
    """Refuse a second result of the same slide and model that is not the same vector."""
    if before.vector is None or result.vector is None:
        agrees = before.vector is result.vector
    else:
        length = float(np.linalg.norm(before.vector))
        limit = max(AGREEMENT, 3 * sum(_difference(part) for part in (before, result)))
        agrees = float(np.linalg.norm(before.vector - result.vector)) <= limit * length
    if not agrees:
        msg = (
            f"{path} was committed by another process with other numbers for the same slide, "
            "model and settings. One of the two machines computes wrongly: encode the slide on a "
            "third, and compare."
        )
        raise StoreConflictError(msg)


def _difference(part: Part) -> float:
    """Return how far the number format of a part's networks is from fp32, as it was measured."""
    runtime = part.provenance.get("runtime", {})
    return float(runtime.get("difference") or 0.0)
