"""Slides at other places: paths replaced, and results taken over where the slide is the same."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from msfusion_sdk.cohort.changes.identity import find_move
from msfusion_sdk.cohort.folder.moves import Move, read_moves
from msfusion_sdk.cohort.store.holdings import load
from msfusion_sdk.cohort.store.part import Part
from msfusion_sdk.cohort.store.status import models_of
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.errors import SlideError, SlideNotFoundError, TableError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.places.url import Url
from msfusion_sdk.remote.listing import look_at_all
from msfusion_sdk.remote.slide import RemoteSlide
from msfusion_sdk.slides.files.stamp import FileStamp
from msfusion_sdk.slides.readers.file_kind import classify

__all__ = ["Moved", "have_stayed", "look_at_moved", "relocated", "require_some_there"]


class Moved(NamedTuple):
    """What was found at the new places."""

    moves: tuple[Move, ...]
    """To be noted."""
    kept: tuple[str, ...]
    """Slides whose results stay."""
    changed: dict[str, str]
    """By slide id, why its results cannot be taken over."""
    missing: tuple[str, ...]
    """Slides without a file."""


Place = Path | Url


def relocated(places: Mapping[str, Place], old: Place, new: Place) -> dict[str, Place]:
    """Return the new place of every slide whose file is ``old``, or lies in it.

    Raises
    ------
    TableError
        When there is none.
    """
    after = {name: _moved(place, old, new) for name, place in places.items()}
    found = {name: place for name, place in after.items() if place is not None}
    if not found:
        folders = sorted({str(place.parent) for place in places.values()})
        msg = (
            f"No slide of the cohort lies at {old} or in it (folders: {first_few(folders)}). "
            "Give the path as it stands in the slide table."
        )
        raise TableError(msg)
    return found


def have_stayed(old: Mapping[str, Place], new: Mapping[str, Place]) -> tuple[str, ...]:
    """Return the slides that are still at their old place and not at the new one.

    None where that is so of all of them: then the new place is misspelt.
    """
    stayed = tuple(
        name
        for name, place in new.items()
        if _is_there(old[name]) and isinstance(place, Path) and not _is_there(place)
    )
    return stayed if len(stayed) < len(new) else ()


def _is_there(place: Place) -> bool:
    return isinstance(place, Path) and os.path.lexists(place)


def _moved(place: Place, old: Place, new: Place) -> Place | None:
    """Return where a slide is after a folder or file went elsewhere; None if it is not in it."""
    if isinstance(place, Url):
        return place.moved(old, new) if isinstance(old, Url) else None
    if isinstance(old, Url) or not (place == old or old in place.parents):
        return None
    if place == old:
        return new
    inside = place.relative_to(old)
    return new.below(inside.as_posix()) if isinstance(new, Url) else new / inside


def look_at_moved(
    root: Path,
    old: Mapping[str, Place],
    new: Mapping[str, Place],
    spacings: Mapping[str, float | None],
) -> Moved:
    """Return what the files at their new places are, beside what was encoded.

    Parameters
    ----------
    root : Path
        Of the cohort.
    old, new : mapping
        From slide id to its file or address, before and after; of the slides that moved.
    spacings : mapping
        From slide id to the µm per pixel that is given for it, if any.
    """
    parts = _parts_of(root, list(new))
    known = read_moves(root)
    moves: list[Move] = []
    kept: list[str] = []
    changed: dict[str, str] = {}
    missing: list[str] = []
    remotes = look_at_all(place for place in new.values() if isinstance(place, Url))
    for name, path in new.items():
        try:
            stamp = _stamp(path, remotes)
        except SlideError as error:
            if _is_gone(path, error):
                missing.append(name)
            else:
                changed[name] = f"[{error.code}] {error}"
            continue
        seen = known.known_as(name, stamp)
        for part in parts.get(name, []):
            found = find_move(part, old[name], path, stamp, spacings.get(name))
            if isinstance(found, Move):
                if found.was.stamp not in seen and found not in moves:
                    moves.append(found)
            elif isinstance(found, str):
                changed[name] = found
        if parts.get(name) and name not in changed:
            kept.append(name)
    return Moved(tuple(moves), tuple(kept), changed, tuple(missing))


def require_some_there(new: Mapping[str, Place], missing: Collection[str]) -> None:
    """Raise where no file is at its new place: the path is misspelt, or a disk is not mounted.

    Raises
    ------
    TableError
    """
    if new and len(missing) == len(new):
        msg = (
            f"None of the {len(new)} slides is at its new place (looked for: "
            f"{first_few(map(str, new.values()))}). Nothing was changed. Check the spelling, mount "
            "the disk, or do this on a machine that sees the files."
        )
        raise TableError(msg)


def _is_gone(place: Place, error: SlideError) -> bool:
    """Return whether there is no file; a link that leads nowhere is one that is wrong."""
    if isinstance(place, Url):
        return isinstance(error, SlideNotFoundError)
    return not os.path.lexists(place)


def _stamp(place: Place, remotes: Mapping[Url, RemoteSlide | SlideError]) -> FileStamp:
    """Return what a slide is now, or raise why it cannot be seen."""
    if not isinstance(place, Url):
        return classify(place).stamp
    found = remotes[place]
    if isinstance(found, SlideError):
        raise found
    return found.stamp


def _parts_of(root: Path, slide_ids: list[str]) -> dict[str, list[Part]]:
    """Return the results of slides by all models that read files of slides."""
    found: dict[str, list[Part]] = {}
    for fingerprint in models_of(root):
        held = load(EmbeddingStore(root, fingerprint).folder, slide_ids)
        for name, part in held.parts.items():
            if part.provenance["slide"].get("mtime_ns") is not None:
                found.setdefault(name, []).append(part)
    return found
