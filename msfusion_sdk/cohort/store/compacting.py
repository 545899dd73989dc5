"""Move parts into archives, and repair archives: complete before anything is removed.

Whoever reads meanwhile, or after the process was killed at any moment, finds every slide once,
or twice and equal.  The order of the steps is what makes this so.
"""

from collections.abc import Iterable
from pathlib import Path

from msfusion_sdk.cohort.store.archive_file import ARCHIVE_ROWS, read_archive, write_archive
from msfusion_sdk.cohort.store.archives import (
    archive_files,
    read_archives,
    retired_files,
    set_aside,
)
from msfusion_sdk.cohort.store.holdings import committed, look_at, part_name
from msfusion_sdk.cohort.store.part import Part
from msfusion_sdk.errors import StoreConflictError, StoreCorruptError
from msfusion_sdk.files import store_error

__all__ = ["compact_parts", "repair_archives"]


def compact_parts(folder: Path) -> int:
    """Move single parts into archives, drop rows that are outdated; return how many were moved.

    Raises
    ------
    StoreCorruptError
        When a part or an archive is damaged.  Nothing is changed then.
    StoreConflictError
        When archives disagree on a slide.
    """
    singles = _read_singles(folder)
    before, retired = archive_files(folder), retired_files(folder)
    current = {**_archived_rows(folder, singles), **singles}
    kept = _kept_archives(before, {name: part.digest for name, part in current.items()}, singles)
    inside = {name for names in kept.values() for name in names}
    loose = [part for name, part in sorted(current.items()) if name not in inside]
    groups = [loose[at : at + ARCHIVE_ROWS] for at in range(0, len(loose), ARCHIVE_ROWS)]
    fresh = {write_archive(folder, group) for group in groups}
    # Archives first: while a part is there, it counts before an outdated row.  Then the
    # retirements: a row that is in use again must not be retired when its part is gone.
    _remove(path for path in before if path not in kept and path not in fresh)
    _remove(retired)
    _remove(folder / part_name(name) for name in singles)
    return len(singles)


def repair_archives(folder: Path) -> list[Path]:
    """Put the intact rows of damaged archives into new ones, set those aside; return them."""
    repaired = []
    for path in archive_files(folder):
        try:
            parts, fault = read_archive(path)
        except FileNotFoundError:
            continue  # another process was faster
        if fault is None:
            continue
        if parts:
            write_archive(folder, parts)
        # A name that its own content does not have is damage, too: the new one is another.
        set_aside(path, "corrupt")
        repaired.append(path)
    return repaired


def _read_singles(folder: Path) -> dict[str, Part]:
    parts = {}
    for path in committed(folder).values():
        part, fault = look_at(path)
        if fault is None and part is not None and path.name != part_name(part.slide_id):
            fault = StoreCorruptError(f"{path} holds the slide {part.slide_id!r}.")
        if fault is not None:
            msg = f"Nothing was moved: {fault}"
            raise StoreCorruptError(msg) from fault
        if part is not None:
            parts[part.slide_id] = part
    return parts


def _archived_rows(folder: Path, singles: dict[str, Part]) -> dict[str, Part]:
    """Return the row of every slide that has no part of its own."""
    archived = read_archives(folder)
    for fault in archived.faults.values():
        msg = f"Nothing was moved: {fault}"
        raise StoreCorruptError(msg) from fault
    rows = {name: parts for name, parts in archived.parts.items() if name not in singles}
    disputed = sorted(name for name, parts in rows.items() if len(parts) > 1)
    if disputed:
        msg = (
            f"Nothing was moved: archives in {folder} disagree on {len(disputed)} slides (first: "
            f"{', '.join(disputed[:3])}). Encode the cohort again, which finds out what is of the "
            "slides as they are."
        )
        raise StoreConflictError(msg)
    return {name: parts[0] for name, parts in rows.items()}


def _kept_archives(
    paths: list[Path], current: dict[str, str], singles: dict[str, Part]
) -> dict[Path, set[str]]:
    """Return the archives that stay as they are, and the slides in each.

    Full ones all of whose rows count; when there is nothing to move, also one that is not full.
    """
    kept: dict[Path, set[str]] = {}
    partial = []
    inside: set[str] = set()
    for path in paths:
        parts, _ = read_archive(path)
        names = {part.slide_id for part in parts}
        counts = all(current.get(part.slide_id) == part.digest for part in parts)
        # Kept, it would hold a slide that also has a part or lies in another kept archive.
        if not counts or names & (inside | singles.keys()):
            continue
        if len(parts) < ARCHIVE_ROWS:
            partial.append((path, names))
            continue
        kept[path] = names
        inside |= names
    # Two that are not full become one; one alone would only be written as it is.
    if len(partial) == 1 and not current.keys() - inside - partial[0][1]:
        kept.update(partial)
    return kept


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise store_error(path, error) from error
