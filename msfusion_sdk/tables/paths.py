"""Paths of slides as text: every name that a disk can hold, in one line of valid UTF-8."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from msfusion_sdk.places.url import Url, find_url

__all__ = ["absolute_place", "escape_path", "path_of", "place_of", "real_path", "stored_place"]

# "%" itself, bytes that are not UTF-8 (U+DC80 to U+DCFF in Python), and what would break a line.
ESCAPED = re.compile("[%\x00-\x1f\x7f\udc80-\udcff]")


def escape_path(path: str | os.PathLike[str]) -> str:
    r"""Return a path as text that is valid UTF-8, one line, and names the same file.

    Examples
    --------
    >>> escape_path("slides/caf\udce9 50%.svs")
    'slides/caf%E9 50%25.svs'
    """
    return ESCAPED.sub(
        lambda match: "".join(f"%{byte:02X}" for byte in os.fsencode(match[0])), os.fspath(path)
    )


def absolute_place(path: str | os.PathLike[str]) -> Path | Url:
    """Return an address, or the path from the root of the disk."""
    # Not resolved: the companions of a slide lie beside the name that was given.
    return find_url(path) or Path(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100


def stored_place(place: Path | Url) -> str:
    """Return a file or an address as it stands in the stored slide table."""
    return escape_path(place.full if isinstance(place, Url) else place)


def place_of(row: Mapping[str, Any]) -> Path | Url:
    """Return where the slide of a row of the stored slide table is: a file or an address."""
    path = real_path(row["path"])
    return find_url(path) or Path(path)


def path_of(row: Mapping[str, Any]) -> Path:
    """Return the file of a row of the stored slide table.

    Of an address it is the path that ``open_slide`` refuses with the reason.

    Examples
    --------
    >>> path_of({"path": "/slides/50%25.svs"}).name
    '50%.svs'
    """
    return Path(str(place_of(row)))


def real_path(escaped: str | None) -> str:
    """Return what ``escape_path`` escaped; '' for a blank cell."""
    # By bytes: half of an escaped character is no text until the other half is there.
    return os.fsdecode(unquote_to_bytes(escaped or ""))
