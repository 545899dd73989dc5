"""Paths of slides as text: every name that a disk can hold, in one line of valid UTF-8."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

__all__ = ["escape_path", "path_of", "real_path"]

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


def path_of(row: Mapping[str, Any]) -> Path:
    """Return the file of a row of the stored slide table.

    Examples
    --------
    >>> path_of({"path": "/slides/50%25.svs"}).name
    '50%.svs'
    """
    return Path(real_path(row["path"]))


def real_path(escaped: str | None) -> str:
    """Return what ``escape_path`` escaped; '' for a blank cell."""
    # By bytes: half of an escaped character is no text until the other half is there.
    return os.fsdecode(unquote_to_bytes(escaped or ""))
