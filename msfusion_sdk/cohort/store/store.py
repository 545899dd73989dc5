"""One immutable Parquet part per slide and model, committed all at once.

    embeddings/<fingerprint>/slide=<id>.parquet     the slide row: vector, status, provenance
    embeddings/<fingerprint>/pack-<digest>.parquet  up to 512 of them, after ``compact``
    patches/<fingerprint>/slide=<id>.parquet        the same with patch rows, when asked for

A part is written aside, flushed, and linked to its name only if that name is free, so any
number of processes may work on one folder: a reader sees a complete part or none.
Correctness rests on this commit alone; nothing here takes a lock.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from msfusion_sdk.cohort.store.archives import ARCHIVE_ROWS, Archives, set_aside, write_archive
from msfusion_sdk.cohort.store.part import Part, PartKey, read_part
from msfusion_sdk.errors import StoreConflictError, StoreCorruptError, StoreSchemaError
from msfusion_sdk.files import put_if_absent, store_error, temporary_beside
from msfusion_sdk.storage.parquet import write_parquet

if TYPE_CHECKING:
    from msfusion_sdk.encoder.result.embedding import SlideEmbedding

__all__ = ["EmbeddingStore", "part_name"]

PREFIX, SUFFIX = "slide=", ".parquet"
LONGEST_NAME = 180
ORPHAN_AGE_S = 24 * 3600
AGREEMENT = 0.05
"""Largest difference, relative to the vector's length, of two results that count as the same:
bf16 and fp32 differ by up to this, other weights or another slide by far more."""


def part_name(slide_id: str) -> str:
    """Return the file name of a slide's part; different ids never share one.

    Characters that some file system refuses are percent-escaped; a long id is cut and ends in
    its digest.

    Examples
    --------
    >>> part_name("TCGA-05/4244 é")
    'slide=TCGA-05%2F4244%20%C3%A9.parquet'
    """
    name = quote(slide_id, safe="")
    if len(name) > LONGEST_NAME:
        # A tilde is never escaped, so no short id ends like this by accident but by design.
        digest = hashlib.sha256(slide_id.encode("utf-8", "surrogatepass")).hexdigest()
        name = f"{name[:100]}~~{digest}"
    return f"{PREFIX}{name}{SUFFIX}"


class EmbeddingStore:
    """The parts of one model in a cohort folder."""

    def __init__(self, root: str | Path, fingerprint: str) -> None:
        self.root, self.fingerprint = Path(root), fingerprint
        self.folder = self.root / "embeddings" / fingerprint
        self.patch_folder = self.root / "patches" / fingerprint
        self._archives = Archives(self.folder)

    @cached_property
    def _archived(self) -> dict[str, Part]:
        # Looked for once: listing a large folder for every slide would take hours.
        return self._archives.parts()

    def prepare(self) -> None:
        """Make the folder and remove temporary files that nobody has touched for a day."""
        for folder in (self.folder, self.patch_folder):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise store_error(folder, error) from error
            for orphan in folder.glob(".tmp-*"):
                _remove_old(orphan)

    def part(self, slide_id: str) -> Path:
        """Return where the slide's part is or would be."""
        return self.folder / part_name(slide_id)

    def patch_part(self, slide_id: str) -> Path:
        """Return where the slide's part with patch rows is or would be."""
        return self.patch_folder / part_name(slide_id)

    def committed(self) -> dict[str, Path]:
        """Return the path of every single part by its file name, without opening any."""
        if not self.folder.is_dir():
            return {}
        with os.scandir(self.folder) as entries:
            return {
                entry.name: Path(entry.path)
                for entry in entries
                if entry.name.startswith(PREFIX) and entry.name.endswith(SUFFIX)
            }

    def existing(self, slide_ids: Iterable[str]) -> list[str]:
        """Return those slides that have a part, single or in a pack, without reading any."""
        single, packed = self.committed(), self._archives.slide_ids()
        return [name for name in slide_ids if part_name(name) in single or name in packed]

    def load(self, slide_ids: Iterable[str]) -> dict[str, Part]:
        """Return the parts of those slides that have one, checksums verified.

        Damaged ones are set aside as ``*.corrupt``: their slides are work again.
        """
        packed, single = self._archived, self.committed()
        wanted = list(slide_ids)
        paths = {name: single.get(part_name(name)) for name in wanted}
        # Arrow works without the interpreter's lock: threads read side by side.
        with ThreadPoolExecutor() as threads:
            read = threads.map(self._read, (path for path in paths.values() if path is not None))
        found = {part.slide_id: part for part in read if part is not None}
        return {
            name: part for name in wanted if (part := found.get(name, packed.get(name))) is not None
        }

    def find(self, wanted: PartKey, *, patches: bool = False) -> Part | None:
        """Return the part that is wanted, its checksums verified, or None.

        A damaged part is set aside as ``*.corrupt``, and one of another file or spacing as
        ``*.outdated``: the slide is work again.
        """
        path = self.part(wanted.slide_id)
        part = self._read(path) or self._archived.get(wanted.slide_id)
        if part is None:
            return None
        if not wanted.matches(part, self.fingerprint):
            set_aside(path, "outdated")
            return None
        if patches and self._read(self.patch_part(wanted.slide_id)) is None:
            return None
        return part

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

    def commit_row(self, row: dict[str, Any], provenance: dict[str, Any]) -> bool:
        """Store a slide row that was not made by an encoder; otherwise as ``commit``."""
        metadata = {"provenance": json.dumps(provenance), "tissue": []}
        return self._commit(
            self.part(row["slide_id"]), lambda path: write_parquet(path, row, None, metadata)
        )

    def compact(self) -> int:
        """Move single parts into packs of 512; return how many were moved.

        A pack is complete before the first of its parts is removed, so a reader at any
        moment finds every slide.  Not to be run while slides are encoded.
        """
        parts = [part for path in self.committed().values() if (part := self._read(path))]
        ordered = sorted(parts, key=lambda part: part.slide_id)
        for start in range(0, len(ordered), ARCHIVE_ROWS):
            group = ordered[start : start + ARCHIVE_ROWS]
            write_archive(self.folder, group)
            for part in group:
                self.part(part.slide_id).unlink(missing_ok=True)
        self.__dict__.pop("_archived", None)
        return len(ordered)

    def _commit(self, target: Path, write: Callable[[Path], object]) -> bool:
        temporary = temporary_beside(target)
        try:
            write(temporary)
            while not put_if_absent(temporary, target):
                before = self._read(target)
                if before is None:  # damaged and set aside just now: the name is free
                    continue
                mine = read_part(temporary)
                if before.made_of == mine.made_of:
                    _require_agreement(before, mine, target)
                    return False
                set_aside(target, "outdated")
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def _read(self, path: Path) -> Part | None:
        try:
            return read_part(path)
        except FileNotFoundError:
            return None
        except (StoreCorruptError, StoreSchemaError):
            set_aside(path, "corrupt")
            return None


def _require_agreement(before: Part, result: Part, path: Path) -> None:
    """Refuse a second result of the same slide and model that is not the same vector."""
    if before.vector is None or result.vector is None:
        agrees = before.vector is result.vector
    else:
        length = float(np.linalg.norm(before.vector))
        agrees = float(np.linalg.norm(before.vector - result.vector)) <= AGREEMENT * length
    if not agrees:
        msg = (
            f"{path} was committed by another process with other numbers for the same slide, "
            "model and settings. One of the two machines computes wrongly: encode the slide on a "
            "third, and compare."
        )
        raise StoreConflictError(msg)


def _remove_old(orphan: Path) -> None:
    try:
        # Two clocks are compared here, so an age of a day leaves room for both to be wrong.
        if time.time() - orphan.stat().st_mtime > ORPHAN_AGE_S:
            orphan.unlink()
    except FileNotFoundError:
        return
