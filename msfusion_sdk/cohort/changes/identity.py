"""Whether a file at another place is the slide that was encoded.

In this order: size and time are the same (``mv``, ``cp -p``, ``rsync -t``, another mount); the old
file is still there and every byte is equal; size and OpenSlide's hash of the slide are the same.
"""

import filecmp
import hashlib
from base64 import b64encode
from pathlib import Path

from msfusion_sdk.cohort.folder.moves import Move, Stamp
from msfusion_sdk.cohort.store.part import Part
from msfusion_sdk.errors import SlideError
from msfusion_sdk.places.url import Url
from msfusion_sdk.slides.files.stamp import FileStamp
from msfusion_sdk.slides.opening import open_slide

__all__ = ["find_move"]


def find_move(
    part: Part, old: Path | Url, new: Path | Url, stamp: FileStamp, mpp: float | None
) -> Move | str | None:
    """Return what is to be noted so that a result counts for the file at its new place.

    Parameters
    ----------
    part : Part
        The result.
    old, new : Path or Url
        Where the file was when it was encoded, and where it is.
    stamp : FileStamp
        Of the file at ``new``.
    mpp : float, optional
        µm per pixel that is given for it.

    Returns
    -------
    Move, str or None
        None when nothing need be noted; a text that says why it is not the same slide, or cannot
        be seen to be.
    """
    slide = part.provenance["slide"]
    was = FileStamp(
        slide["size_bytes"], slide["mtime_ns"], slide.get("companions"), slide.get("remote")
    )
    if was == stamp:
        return None
    if was.size_bytes != stamp.size_bytes:
        return f"it has {stamp.size_bytes:,} bytes, and {was.size_bytes:,} were encoded"
    if not (_is_equal(old, new, was, stamp) or _has_hash(new, slide.get("quickhash"), mpp)):
        return "it has another time, and no hash tells that it is the file that was encoded"
    return Move(slide_id=part.slide_id, was=Stamp.of(was), now=Stamp.of(stamp))


def _is_equal(old: Path | Url, new: Path | Url, was: FileStamp, now: FileStamp) -> bool:
    """Return whether the old file is there, unchanged, and equal to the new one."""
    if isinstance(old, Url) or was.companions is not None or not old.is_file():
        return False
    try:
        if FileStamp.of(old) != was:
            return False
        if isinstance(new, Url):
            return _has_sum(old, now.remote)
        return new.is_file() and filecmp.cmp(old, new, shallow=False)
    except (SlideError, OSError):
        return False


def _has_sum(path: Path, remote: str | None) -> bool:
    """Return whether a file has the MD5 that a server states, as S3 does for what came whole."""
    kind, _, value = (remote or "").partition(":")
    if kind not in ("md5", "etag"):
        return False
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    return value in (found.hexdigest(), b64encode(found.digest()).decode())


def _has_hash(path: Path | Url, quickhash: str | None, mpp: float | None) -> bool:
    if quickhash is None or isinstance(path, Url):
        return False
    try:
        with open_slide(path, mpp=mpp) as slide:
            return slide.header.quickhash == quickhash
    except SlideError:
        return False
