"""Which files a slide at an address consists of, told by its name and by what lies beside it."""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from msfusion_sdk.errors import SlideError, SlideFormatError, SlideNotFoundError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.places.url import Url
from msfusion_sdk.remote.door import filesystem, patiently
from msfusion_sdk.remote.objects import ObjectStore
from msfusion_sdk.remote.slide import RemoteFile, RemoteSlide, Seen
from msfusion_sdk.remote.web import WebServer
from msfusion_sdk.slides.files.companions import (
    LIST_BYTES,
    ZARR_FILES,
    is_list,
    listed_names,
)

__all__ = ["Server", "look_at", "look_at_all", "server_of"]

AT_ONCE = 16
DICOM = (".dcm", ".dicom")
LIST_SUFFIXES = (".vms", ".vmu", ".ndpis")


class Server(Protocol):
    """What an address leads to."""

    def look(self, url: Url) -> Seen | None:
        """Return what is said of a file; None for a folder."""

    def names(self, folder: Url, *, deep: bool) -> dict[str, Seen | None]:
        """Return the files of a folder by their place in it, with what is known of them."""

    def pieces(self, url: Url, start: int, seen: Seen, tries: int) -> Iterator[tuple[int, bytes]]:
        """Yield bytes from a place on; each piece with its place, which may be an earlier one."""


def server_of(url: Url) -> Server:
    """Return what an address leads to.

    Raises
    ------
    MissingExtraError
        Without the extra ``[cloud]``.
    """
    fs = filesystem(url)
    return WebServer(fs) if url.is_web else ObjectStore(fs)


def look_at(url: Url) -> RemoteSlide:
    """Return the files of the slide at an address; of their bytes as good as none is read.

    Raises
    ------
    SlideError
        One of its kinds: nothing is there, it may not be read, no server answers.
    MissingExtraError
        Without the extra ``[cloud]``.
    """
    server = server_of(url)
    seen = patiently(url, lambda: server.look(url))
    if seen is None:
        return RemoteSlide(url, url.name, tuple(_folder(server, url)))
    if url.suffix in DICOM:
        msg = (
            f"{url} is one file of a DICOM slide. Give the address of the folder that holds the "
            "files of this slide alone, with a slash at its end."
        )
        raise SlideFormatError(msg)
    main = RemoteFile(url, url.name, seen)
    return RemoteSlide(url, url.name, (main, *_companions(server, main)))


def look_at_all(urls: Iterable[Url]) -> dict[Url, RemoteSlide | SlideError]:
    """Return the slides at many addresses, or why one cannot be had."""

    def look(url: Url) -> RemoteSlide | SlideError:
        try:
            return look_at(url)
        except SlideError as error:
            return error

    distinct = list(dict.fromkeys(urls))
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="looking") as pool:
        return dict(zip(distinct, pool.map(look, distinct), strict=True))


def _companions(server: Server, main: RemoteFile) -> list[RemoteFile]:
    """Return the other files of a slide, as ``slides.files.companions`` does on a disk."""
    url, stem = main.url, main.place.rpartition(".")[0]
    if url.suffix == ".mrxs":
        return _files(server, url.beside(stem), stem, deep=True)
    if url.suffix == ".vsi":
        return _files(server, url.beside(f"_{stem}_"), f"_{stem}_", deep=True)
    if url.suffix not in LIST_SUFFIXES or main.seen.size > LIST_BYTES:
        return []
    text = b"".join(piece for _, piece in patiently(url, lambda: list(_small(server, main))))
    if not is_list(text):
        return []
    names = {name for name in listed_names(text) if "." in name and _is_safe(name)}
    found = [_listed(server, url.beside(name), name) for name in sorted(names - {main.place})]
    return [file for file in found if file is not None]


def _listed(server: Server, url: Url, name: str) -> RemoteFile | None:
    """Return a file that a list may name: some of its values are no files."""
    try:
        return _file(server, url, name, None)
    except SlideNotFoundError:
        return None


def _small(server: Server, file: RemoteFile) -> Iterator[tuple[int, bytes]]:
    yield from server.pieces(file.url, 0, file.seen, 0)


def _folder(server: Server, url: Url) -> list[RemoteFile]:
    """Return the files of a folder: those of a Zarr store at any depth, else its own."""
    flat = _files(server, url, url.name, deep=False)
    is_zarr = any(file.place == f"{url.name}/{name}" for file in flat for name in ZARR_FILES)
    return _files(server, url, url.name, deep=True) if is_zarr else flat


def _files(server: Server, folder: Url, place: str, *, deep: bool) -> list[RemoteFile]:
    found = patiently(folder, lambda: server.names(folder, deep=deep))
    if not found:
        msg = (
            f"The server lists no files in {folder}, which belong to the slide. Copy all of it to "
            "a disk, and give its path."
        )
        raise SlideFormatError(msg)
    unsafe = [name for name in found if not _is_safe(name)]
    if unsafe:
        msg = f"{folder} holds names that lead out of a folder ({first_few(unsafe)})."
        raise SlideFormatError(msg)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="looking") as pool:
        return list(
            pool.map(
                lambda item: _file(server, folder.below(item[0]), f"{place}/{item[0]}", item[1]),
                found.items(),
            )
        )


def _file(server: Server, url: Url, place: str, seen: Seen | None) -> RemoteFile:
    told = seen or patiently(url, lambda: server.look(url))
    if told is None:
        msg = f"{url} is a folder, where a file of the slide belongs."
        raise SlideFormatError(msg)
    return RemoteFile(url, place, told)


def _is_safe(name: str) -> bool:
    """Whether a copy of this name stays inside its folder."""
    parts = re.split(r"[/\\]", name)
    return "\0" not in name and not {"", ".", ".."} & set(parts) and ":" not in parts[0]
