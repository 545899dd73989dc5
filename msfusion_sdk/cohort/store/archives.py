"""The archives of a folder, and which of their rows are outdated.

    embeddings/<fingerprint>/pack-<digest>.parquet   up to 512 parts
    embeddings/<fingerprint>/retired-<digest>        of a row: it is outdated, and not to be used

A row that must not be used any more is retired by an empty file named after its digest, which
several processes may make at once, and no clock can put in a wrong order.
"""

import os
import secrets
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from msfusion_sdk.cohort.store.archive_file import ARCHIVE, read_archive, read_digests
from msfusion_sdk.cohort.store.part import Part
from msfusion_sdk.errors import StoreCorruptError, StoreError
from msfusion_sdk.files import entries_of, store_bytes, store_error

__all__ = [
    "Archived",
    "archive_files",
    "archived_digests",
    "read_archives",
    "retire",
    "retired_files",
    "set_aside",
]

RETIRED = "retired-"


class Archived(NamedTuple):
    """What the archives of a folder hold."""

    parts: dict[str, list[Part]]
    """By slide id; several where archives disagree, which they do when a process that compacted
    was killed, or when version 0.1.0 compacted a slide that had been replaced."""
    faults: dict[Path, StoreError]
    """Archives that are damaged, and why; their intact rows are among the parts."""


def read_archives(folder: Path) -> Archived:
    """Return all that lies in the archives of a folder and is not retired.

    Raises
    ------
    StoreVersionError
        When one was written by a newer version.
    StoreError
        When the system does not give what is there.
    FileNotFoundError
        When an archive has gone meanwhile, as it does while another process compacts.
    """
    # First: a retirement is taken back only when no archive has the row any more.
    retired = _retired(folder)
    parts: dict[str, dict[str, Part]] = defaultdict(dict)
    faults: dict[Path, StoreError] = {}
    for path in archive_files(folder):
        found, fault = read_archive(path)
        for part in found:
            if part.digest not in retired:
                parts[part.slide_id][part.digest] = part
        if fault is not None:
            faults[path] = fault
    return Archived({name: list(same.values()) for name, same in parts.items()}, faults)


def archived_digests(folder: Path) -> tuple[dict[str, set[str]], dict[Path, StoreError]]:
    """Return the digests of rows by slide id, without their vectors, and damaged archives.

    Raises
    ------
    StoreVersionError, StoreError, FileNotFoundError
        As ``read_archives``.
    """
    retired = _retired(folder)
    digests: dict[str, set[str]] = defaultdict(set)
    faults: dict[Path, StoreError] = {}
    for path in archive_files(folder):
        try:
            found = read_digests(path)
        except StoreCorruptError as error:
            faults[path] = error
            continue
        for slide_id, digest in found.items():
            if digest not in retired:
                digests[slide_id].add(digest)
    return dict(digests), faults


def archive_files(folder: Path) -> list[Path]:
    """Return the archives of a folder, sorted."""
    return [
        path
        for path in entries_of(folder)
        if path.name.startswith(ARCHIVE) and path.suffix == ".parquet"
    ]


def retired_files(folder: Path) -> list[Path]:
    """Return the files that retire rows of archives."""
    return [path for path in entries_of(folder) if path.name.startswith(RETIRED)]


def _retired(folder: Path) -> set[str]:
    return {path.name.removeprefix(RETIRED) for path in retired_files(folder)}


def retire(folder: Path, digests: Collection[str]) -> None:
    """Note for all times that rows of archives are outdated."""
    for digest in digests:
        path = folder / f"{RETIRED}{digest}"
        if not os.path.lexists(path):
            store_bytes(path, b"")


def set_aside(path: Path, why: str) -> None:
    """Rename a file that cannot be used; it is kept for whoever wants to look at it."""
    try:
        # A random part: an earlier file of this name that was set aside must not be lost.
        path.replace(path.with_name(f"{path.name}.{secrets.token_hex(3)}.{why}"))
    except FileNotFoundError:
        return  # another process was faster
    except OSError as error:
        raise store_error(path, error) from error
