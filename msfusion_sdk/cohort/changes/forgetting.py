"""All that a cohort holds of some slides, removed: results, patch rows, statuses.

Not while another process encodes.  Archives are written anew without the rows, so that nothing of
them stays on the disk.
"""

import json
from collections.abc import Collection, Iterable
from pathlib import Path

from msfusion_sdk.cohort.features.attached import attached_path, attached_rows, write_attached
from msfusion_sdk.cohort.folder.moves import note_moves
from msfusion_sdk.cohort.store.archive_file import read_archive, write_archive
from msfusion_sdk.cohort.store.archives import archive_files
from msfusion_sdk.cohort.store.holdings import part_name
from msfusion_sdk.files import entries_of, store_bytes, store_error

__all__ = ["forget_slides"]


def forget_slides(root: Path, slide_ids: Collection[str]) -> None:
    """Remove what lies in a cohort's folder about slides; their rows in the tables stay.

    Raises
    ------
    StoreError
        When an archive is damaged, or something cannot be removed.  The same call again goes on.
    """
    gone = set(slide_ids)
    stems = {part_name(name).removesuffix(".parquet") for name in gone}
    for fingerprint in entries_of(root / "embeddings"):
        _forget_archived(fingerprint, gone)
    for kind in ("embeddings", "patches"):
        for folder in entries_of(root / kind):
            # With what was set aside of them: .outdated, .corrupt.
            _unlink(p for p in entries_of(folder) if p.name.split(".parquet")[0] in stems)
    for folder in entries_of(root / "ledger"):
        for file in entries_of(folder):
            if file.suffix == ".jsonl":
                _forget_lines(file, gone)
    _forget_attached(root, gone)
    note_moves(root, without=gone)


def _forget_archived(folder: Path, gone: set[str]) -> None:
    for path in archive_files(folder):
        parts, fault = read_archive(path)
        if fault is not None:
            raise fault
        kept = [part for part in parts if part.slide_id not in gone]
        if len(kept) == len(parts):
            continue
        # The new one first: the others are in one or the other at any moment.
        if kept:
            write_archive(folder, kept)
        _unlink([path])


def _forget_lines(path: Path, gone: set[str]) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if _slide_of(line) not in gone]
    if len(kept) < len(lines):
        store_bytes(path, b"".join(kept))


def _slide_of(line: bytes) -> str | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None  # the last line of a run that was killed
    return str(found.get("slide_id")) if isinstance(found, dict) else None


def _forget_attached(root: Path, gone: set[str]) -> None:
    for path in entries_of(root / "features"):
        if path != attached_path(root, path.stem):
            continue
        rows, notes = attached_rows(root, path.stem)
        kept = [row for name, row in rows.items() if name not in gone]
        if len(kept) < len(rows):
            write_attached(root, path.stem, kept, notes)


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise store_error(path, error) from error
