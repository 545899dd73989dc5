"""Files in object stores: S3, Google Cloud Storage, Azure."""

from collections.abc import Iterator
from typing import Any

from msfusion_sdk.places.url import Url
from msfusion_sdk.remote.slide import LARGEST_PIECE, Seen, piece_size, tag_of

__all__ = ["ObjectStore"]


class ObjectStore:
    """What ``s3://``, ``gs://`` and ``az://`` lead to.

    Parameters
    ----------
    fs : AbstractFileSystem
        Of fsspec.
    """

    def __init__(self, fs: Any) -> None:
        self._fs = fs

    def look(self, url: Url) -> Seen | None:
        """Return what the store says of a file; None for a folder: a beginning of names."""
        # What was listed before may have been replaced since.
        self._fs.invalidate_cache()
        told = self._fs.info(url.full.rstrip("/"))
        return None if told["type"] == "directory" else Seen(int(told["size"]), tag_of(url, told))

    def names(self, folder: Url, *, deep: bool) -> dict[str, Seen | None]:
        """Return the files of a folder, by their place in it."""
        self._fs.invalidate_cache()
        found = self._fs.find(folder.full.rstrip("/"), maxdepth=None if deep else 1, detail=True)
        top = len(self._fs._strip_protocol(folder.full.rstrip("/"))) + 1
        return {
            name[top:]: Seen(int(told["size"]), tag_of(folder, told))
            for name, told in sorted(found.items())
            # Some programs leave an empty object for a folder.
            if told["type"] == "file" and name[top:]
        }

    def pieces(self, url: Url, start: int, seen: Seen, tries: int) -> Iterator[tuple[int, bytes]]:
        """Yield bytes from ``start`` on, each piece with its place.

        They grow from the size that ``tries`` decide.
        """
        step = piece_size(tries)
        while start < seen.size:
            piece = self._fs.cat_file(url.full, start=start, end=min(start + step, seen.size))
            if not piece:
                return
            yield start, piece
            start += len(piece)
            step = min(2 * step, LARGEST_PIECE)
