"""A slide at an address: its files, and what tells one version of them from another."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msfusion_sdk.errors import SlideError
from msfusion_sdk.places.url import Url
from msfusion_sdk.slides.files.stamp import FileStamp

__all__ = ["LARGEST_PIECE", "RemoteFile", "RemoteSlide", "Seen", "piece_size", "tag_of"]

LARGEST_PIECE, SMALLEST_PIECE = 2**24, 2**12

# What servers and libraries call them.  A checksum stays when a file is copied elsewhere.
MD5 = ("md5Hash", "Content-MD5", "content_md5")
ETAGS = ("ETag", "etag")
TIMES = ("Last-Modified", "LastModified", "last_modified", "updated")


@dataclass(frozen=True)
class Seen:
    """What a server says of a file."""

    size: int
    tag: str
    """Its checksum, ETag or time of change: another one is another version."""


@dataclass(frozen=True)
class RemoteFile:
    """One file of a slide."""

    url: Url
    place: str
    """Where its copy lies in the folder of the slide's copy, with forward slashes."""
    seen: Seen


@dataclass(frozen=True)
class RemoteSlide:
    """All files of a slide."""

    url: Url
    main: str
    """Where the copy lies that is opened: a file, or a folder of them."""
    files: tuple[RemoteFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.seen.size for file in self.files)

    @property
    def stamp(self) -> FileStamp:
        """What stays the same while it is the same slide; the address is no part of it."""
        main = [file for file in self.files if file.place == self.main]
        if len(self.files) == 1 and main:
            return FileStamp(self.size, 0, remote=main[0].seen.tag)
        marks = sorted(f"{file.place} {file.seen.size} {file.seen.tag}" for file in self.files)
        digest = hashlib.sha256("\n".join(marks).encode()).hexdigest()
        size = main[0].seen.size if main else self.size
        return FileStamp(size, 0, remote=f"files:{digest}")


def piece_size(tries: int) -> int:
    """Return how many bytes to ask for after so many tries in a row that brought nothing.

    Small pieces come through where large ones are cut.
    """
    return max(SMALLEST_PIECE, LARGEST_PIECE >> (3 * tries))


def tag_of(url: Url, told: Mapping[str, Any]) -> str:
    """Return what tells the versions of a file apart, of all that a server says.

    Raises
    ------
    SlideError
        When it says nothing that does.
    """
    azure = told.get("content_settings") or {}
    for kind, names in (("md5", MD5), ("etag", ETAGS), ("modified", TIMES)):
        for name in names:
            value = told.get(name) or (azure.get(name) if isinstance(azure, Mapping) else None)
            if value:
                is_raw = isinstance(value, bytes | bytearray)
                text = b64encode(value).decode() if is_raw else str(value).replace('"', "")
                return f"{kind}:{text}"
    msg = (
        f"The server of {url} states neither checksum nor ETag nor time of change, so that another "
        "version could not be told from this one. Copy the file to a disk, and give its path."
    )
    raise SlideError(msg)
