"""Fetch a slide to a local disk: goes on where a connection was cut, and never mixes versions."""

import hashlib
import time
from base64 import b64encode
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import BinaryIO

from msfusion_sdk.errors import MsfusionError, RunInterruptedError, SlideError, SlideFormatError
from msfusion_sdk.monitoring.log import log
from msfusion_sdk.places.url import Url
from msfusion_sdk.remote import door
from msfusion_sdk.remote.listing import Server, look_at, server_of
from msfusion_sdk.remote.slide import RemoteFile, RemoteSlide
from msfusion_sdk.remote.web import changed
from msfusion_sdk.slides.files.companions import is_dicom, is_list

__all__ = ["fetch"]

HEAD_BYTES = 132
Tell = Callable[[int, int], None]


def fetch(
    slide: RemoteSlide,
    folder: Path,
    *,
    tell: Tell | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Path:
    """Fetch all files of a slide into a folder and return the one that is opened.

    Parameters
    ----------
    tell : callable, optional
        Called with (bytes fetched, bytes in all).
    is_stopped : callable
        Asked now and then; when it says yes, nothing more is fetched.

    Raises
    ------
    SlideChangedError
        When it is not, or no longer, the version that was looked at.
    SlideError
        When the server does not give it, after several tries.
    OSError
        Of the local disk.
    RunInterruptedError
        When it was stopped.
    """
    start, cuts, before = time.monotonic(), 0, 0
    server = server_of(slide.url)
    for file in slide.files:
        target = folder / file.place
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as out:
            for done in _filled(server, file, out):
                if is_stopped():
                    msg = f"{slide.url} was not fetched to its end."
                    raise RunInterruptedError(msg)
                cuts += done is None
                if tell is not None and done is not None:
                    tell(before + done, slide.size)
        _require_sum(file, target)
        before += file.seen.size
    if look_at(slide.url).stamp != slide.stamp:
        raise changed(slide.url)
    path = folder / slide.main
    _require_all_fetched(slide, path)
    log.debug(
        "fetched %s: %.1f MB in %.1f s, %d connections were cut",
        slide.url, slide.size / 1e6, time.monotonic() - start, cuts,
    )  # fmt: skip
    return path


def _filled(server: Server, file: RemoteFile, out: BinaryIO) -> Iterator[int | None]:
    """Write a file to its end; yields the bytes that are there, None for a connection cut."""
    most, tries = 0, 0
    while (there := out.tell()) < file.seen.size:
        pieces = server.pieces(file.url, there, file.seen, tries)
        error = yield from _written(pieces, out)
        is_further, most = out.tell() > most, max(most, out.tell())
        if error is None and is_further and out.tell() <= file.seen.size:
            tries = max(0, tries - 1)
            continue
        yield None
        found = _fault(file.url, error, out.tell(), file.seen.size)
        if tries == len(door.WAITS_S) or not found.retryable:
            raise found from None
        # A server without ranges begins anew: only what is beyond the best try is progress.
        if not is_further:
            time.sleep(door.WAITS_S[tries])
            tries += 1


def _written(
    pieces: Iterator[tuple[int, bytes]], out: BinaryIO
) -> Generator[int | None, None, Exception | None]:
    """Write pieces as they come, yield how far it is, and return the error of the connection."""
    while True:
        try:
            place, piece = next(pieces)
        except StopIteration:
            return None
        except (MsfusionError, *door.DEFECTS):
            raise
        except Exception as error:  # of any library; those of the disk come from below
            return error
        if place != out.tell():
            out.seek(place)
            out.truncate()
        out.write(piece)
        yield out.tell()


def _fault(url: Url, error: Exception | None, there: int, size: int) -> SlideError:
    if error is not None:
        return door.meaning(url, error)
    if there > size:
        return changed(url)
    msg = f"{url} ended after {there:,} of {size:,} bytes. Try again later."
    return SlideError(msg, retryable=True)


def _require_sum(file: RemoteFile, path: Path) -> None:
    """Raise unless a copy has the MD5 that its server states, where it states one."""
    kind, _, wanted = file.seen.tag.partition(":")
    if kind != "md5":
        return
    with path.open("rb") as copy:
        found = hashlib.file_digest(copy, lambda: hashlib.md5(usedforsecurity=False))
    if wanted not in (b64encode(found.digest()).decode(), found.hexdigest()):
        msg = f"The copy of {file.url} has another checksum than its server states. Try again."
        raise SlideError(msg, retryable=True)


def _require_all_fetched(slide: RemoteSlide, path: Path) -> None:
    """Raise when a file says of itself that it is one of several, which its name did not tell."""
    if len(slide.files) > 1 or path.is_dir():
        return
    with path.open("rb") as copy:
        head = copy.read(HEAD_BYTES)
    if is_dicom(head) or is_list(head):
        what = "one file of a DICOM slide" if is_dicom(head) else "a list of the slide's files"
        msg = (
            f"{slide.url} is {what}, and the others were not fetched, for its name does not tell. "
            "Copy all of them to a disk, or give the address of a folder of one DICOM slide, with "
            "a slash at its end."
        )
        raise SlideFormatError(msg)
