"""What the process does that reads one slide for the viewer.

Here and nowhere else does the viewer touch a slide: a header that aborts OpenSlide, or a disk
that does not answer, ends or stalls this process and no other.
"""

import hashlib
from dataclasses import astuple
from threading import Lock
from typing import Any

from msfusion_sdk.errors import SlideChangedError, SlideResolutionError
from msfusion_sdk.slides.readers.file_kind import FileStamp, classify
from msfusion_sdk.view.tiles import TILE_PX, TiledSlide

__all__ = ["answer"]

_open: dict[tuple[str, float | None], TiledSlide] = {}
_lock = Lock()


def answer(what: str, path: str, mpp: float | None, *arguments: Any) -> Any:
    """Return what was asked about the slide at ``path``.

    Parameters
    ----------
    what : str
        ``file``: the file that the path stands for, its size and time.  ``info``: size, levels,
        spacing, version.  ``tile``: a JPEG, or None where there is no such tile.
    mpp : float, optional
        As in ``open_slide``.
    *arguments
        Of a tile: version, level, column, row.

    Raises
    ------
    SlideError
        When the slide cannot be opened or read.
    """
    if what == "file":
        source = classify(path)
        return str(source.path), *astuple(source.stamp)
    tiled = _take(path, mpp)
    return _info(tiled) if what == "info" else _tile(tiled, path, *arguments)


def _take(path: str, mpp: float | None) -> TiledSlide:
    """Return the slide, opened if it is not open or its file has changed since."""
    with _lock:
        found = _open.get((path, mpp))
        if found is not None:
            try:
                found.slide.require_unchanged()
            except SlideChangedError:
                _open.pop((path, mpp)).close()
            else:
                return found
        return _open.setdefault((path, mpp), TiledSlide(path, mpp))


def _info(tiled: TiledSlide) -> dict[str, Any]:
    width, height = tiled.slide.dimensions
    try:
        mpp, note = tiled.slide.spacing().mpp, ""
    except SlideResolutionError as error:
        mpp, note = None, f"No scale bar: {error}"
    return {
        "width": width,
        "height": height,
        "tile_px": TILE_PX,
        "min_level": tiled.min_level,
        "max_level": tiled.max_level,
        "mpp": mpp,
        "version": _version(tiled.slide.stamp),
        "note": note,
    }


def _tile(
    tiled: TiledSlide, path: str, version: str, level: int, column: int, row: int
) -> bytes | None:
    if version != _version(tiled.slide.stamp):
        # A page that was loaded before would mix two versions of the file.
        msg = f"{path} has changed since it was shown. Load the page again."
        raise SlideChangedError(msg)
    return tiled.tile(level, column, row) if tiled.has(level, column, row) else None


def _version(stamp: FileStamp) -> str:
    return hashlib.sha256(repr(stamp).encode()).hexdigest()[:12]
