"""Files on web servers, with ranges or without: looked at with one byte, read from any place."""

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import unquote

from msfusion_sdk.errors import SlideChangedError, SlideCorruptError, SlideError
from msfusion_sdk.places.url import Url
from msfusion_sdk.remote.slide import Seen, piece_size, tag_of

__all__ = ["WebServer"]

PIECE = 2**20
RANGE = "bytes={}-{}"
PART = 206
NO_SUCH_RANGE = 416


class WebServer:
    """What ``https://`` and ``http://`` lead to.

    Parameters
    ----------
    fs : HTTPFileSystem
        Of fsspec; its session holds what a user has set.
    """

    def __init__(self, fs: Any) -> None:
        self._fs = fs

    def look(self, url: Url) -> Seen | None:
        """Return what the server says of a file; None for an address that is written as a folder.

        With one byte of it and not with HEAD, which signatures of addresses do not allow.
        """
        if url.is_folder:
            return None
        try:
            with closing(self._answer(url, RANGE.format(0, 0))) as answer:
                headers, is_part = answer.r.headers, answer.r.status == PART
        except Exception as error:
            if getattr(error, "status", None) != NO_SUCH_RANGE:
                raise
            msg = f"{url} holds 0 bytes. Send the slide there again."
            raise SlideCorruptError(msg) from None
        name = "Content-Range" if is_part else "Content-Length"
        size = headers.get(name, "").rpartition("/")[2]
        if not size.isdecimal():
            msg = (
                f"The server of {url} does not say how long the file is. Copy it to a disk, and "
                "give its path."
            )
            raise SlideError(msg)
        return Seen(int(size), tag_of(url, headers))

    def names(self, folder: Url, *, deep: bool) -> dict[str, Seen | None]:
        """Return the files of a folder that the server lists, by their place in it."""
        if folder.query:
            return {}
        top = folder.full.rstrip("/") + "/"
        waiting, found = [top], {top}
        while waiting:
            links = {link.replace("/./", "/") for link in self._fs.ls(waiting.pop(), detail=False)}
            # Links that sort a list have a query; others lead elsewhere.
            inside = {
                link for link in links if link.startswith(top) and not re.search("[?#]", link)
            }
            if deep:
                waiting += [link for link in inside - found if link.endswith("/")]
            found |= inside
        return {unquote(link[len(top) :]): None for link in sorted(found) if link[-1] != "/"}

    def pieces(self, url: Url, start: int, seen: Seen, tries: int) -> Iterator[tuple[int, bytes]]:
        """Yield bytes from ``start`` on, each piece with its place.

        All there are in one answer, and some of them after ``tries`` that brought nothing: what is
        on its way when a connection is cut is lost.  A server that knows no ranges begins at 0.

        Raises
        ------
        SlideChangedError
            When it is not the version that was seen.
        """
        end = start + piece_size(tries) - 1 if tries else ""
        with closing(self._answer(url, RANGE.format(start, end))) as answer:
            headers = answer.r.headers
            if tag_of(url, headers) != seen.tag:
                raise changed(url)
            place = start if answer.r.status == PART else 0
            while piece := answer.read(PIECE):
                yield place, piece
                place += len(piece)

    def _answer(self, url: Url, span: str) -> Any:
        own = self._fs.kwargs.get("headers", {})
        # Sizes and places are of the file, not of what is packed for the way.
        headers = {**own, "Range": span, "Accept-Encoding": "identity"}
        # Any size, or the library asks for it; without blocks it is one stream.
        return self._fs.open(url.full, block_size=0, size=1, headers=headers)


def changed(url: Url) -> SlideChangedError:
    """Return the error of a file that was replaced while it was fetched."""
    return SlideChangedError(
        f"{url} was replaced while it was fetched. Encode it again when the copy is complete.",
        retryable=True,
    )
