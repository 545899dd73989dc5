"""What a store holds, for those who read it: nothing here changes a file."""

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import quote

from msfusion_sdk.cohort.store.archives import Archived, archived_digests, read_archives
from msfusion_sdk.cohort.store.part import Part, read_part
from msfusion_sdk.errors import (
    StoreConflictError,
    StoreCorruptError,
    StoreError,
    StoreSchemaError,
    StoreVersionError,
)
from msfusion_sdk.files import entries_of

__all__ = [
    "Holdings",
    "committed",
    "find_existing",
    "load",
    "look_at",
    "part_name",
    "read_one",
    "steadily",
]

Found = TypeVar("Found")

PREFIX, SUFFIX = "slide=", ".parquet"
# File systems allow 255 bytes; while it is written or set aside, the name is longer.
LONGEST_NAME = 180
ROUNDS = 10
"""Times that a folder is looked at anew when another process compacts it meanwhile."""


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


class Holdings(NamedTuple):
    """What a store has of the slides that were asked for."""

    parts: dict[str, Part]
    faults: dict[str, StoreError]
    """By slide id, why its part cannot be used."""
    archives: dict[Path, StoreError]
    """Archives that are damaged: slides without part or fault may have been in them."""


def committed(folder: Path) -> dict[str, Path]:
    """Return the path of every single part by its file name, without opening any."""
    return {
        path.name: path
        for path in entries_of(folder)
        if path.name.startswith(PREFIX) and path.name.endswith(SUFFIX)
    }


def find_existing(
    folder: Path, slide_ids: Iterable[str]
) -> tuple[list[str], dict[Path, StoreError]]:
    """Return those slides that have a part, without reading any, and damaged archives."""

    def look() -> tuple[set[str], dict[str, set[str]], dict[Path, StoreError]]:
        # Parts first: what is moved meanwhile is in an archive before it leaves.
        return (set(committed(folder)), *archived_digests(folder))

    single, archived, faults = steadily(look)
    there = [name for name in slide_ids if part_name(name) in single or name in archived]
    return there, faults


def load(folder: Path, slide_ids: Iterable[str], archived: Archived | None = None) -> Holdings:
    """Return the parts of those slides that have one, every byte verified.

    Parameters
    ----------
    archived : Archived, optional
        What the archives of ``folder`` hold; read by default.

    Raises
    ------
    StoreVersionError
        When one was written by a newer version.
    StoreError
        When the system does not give what is there.
    """
    wanted = list(slide_ids)
    return steadily(lambda: _load(folder, wanted, archived))


def read_one(folder: Path, slide_id: str, archived: Archived) -> Part:
    """Return the part of a slide.

    Parameters
    ----------
    archived : Archived
        What the archives of ``folder`` hold.

    Raises
    ------
    KeyError
        When there is none.
    StoreError
        When it is damaged, or cannot be read.
    """
    part, fault = look_at(folder / part_name(slide_id))
    if part is None and fault is None:
        found = _of_archives(folder, slide_id, archived.parts.get(slide_id, []))
        if found is None:
            raise KeyError(slide_id)
        part, fault = (found, None) if isinstance(found, Part) else (None, found)
    if part is None:
        assert fault is not None
        raise fault
    return part


def _load(folder: Path, slide_ids: list[str], archived: Archived | None) -> Holdings:
    # Parts first, as in ``find_existing``: what moves meanwhile is then seen in its archive.
    single = committed(folder)
    archived = archived or read_archives(folder)
    paths = {name: single[part_name(name)] for name in slide_ids if part_name(name) in single}
    # Arrow works without the interpreter's lock: threads read side by side.
    with ThreadPoolExecutor() as threads:
        read = dict(zip(paths, threads.map(_read, paths.values()), strict=True))
    parts: dict[str, Part] = {}
    faults: dict[str, StoreError] = {}
    for name in slide_ids:
        found = read.get(name)
        if found is None:
            found = _of_archives(folder, name, archived.parts.get(name, []))
        elif isinstance(found, Part) and found.slide_id != name:
            found = StoreCorruptError(
                f"{paths[name]} holds the slide {found.slide_id!r}. Encode the cohort again."
            )
        if isinstance(found, Part):
            parts[name] = found
        elif found is not None:
            faults[name] = found
    return Holdings(parts, faults, archived.faults)


def _of_archives(folder: Path, name: str, known: list[Part]) -> Part | StoreError | None:
    if len(known) < 2:
        return known[0] if known else None
    return StoreConflictError(
        f"Archives in {folder} hold {len(known)} results of the slide {name!r}, of which one at "
        "most is of the slide as it is. Encode the cohort again, which compares them with it."
    )


def look_at(path: Path) -> tuple[Part | None, StoreError | None]:
    """Return a part, or why it is damaged; neither when there is none.

    Raises
    ------
    StoreVersionError, StoreError
        When it is of a newer version, or cannot be read: it may be whole.
    """
    try:
        found = _read(path)
    except FileNotFoundError:
        return None, None
    return (None, found) if isinstance(found, StoreError) else (found, None)


def steadily(look: Callable[[], Found]) -> Found:
    """Return what ``look`` finds, looking again when a file has gone meanwhile."""
    for _ in range(ROUNDS - 1):
        try:
            return look()
        except FileNotFoundError:
            continue
    return look()


def _read(path: Path) -> Part | StoreError:
    try:
        return read_part(path)
    # A kind of StoreSchemaError, yet no damage: a newer SDK reads it, so it must not be set aside.
    except StoreVersionError:
        raise
    except (StoreCorruptError, StoreSchemaError) as error:
        return error
