"""Local copies of slides for as long as they are read: of one, or of many with the next ahead."""

import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from threading import Event
from typing import Self

from msfusion_sdk.errors import SlideError
from msfusion_sdk.files import made_folder, remove_abandoned, store_error
from msfusion_sdk.files.owners import this_process
from msfusion_sdk.places.url import Url, find_url
from msfusion_sdk.remote.fetching import fetch
from msfusion_sdk.remote.listing import look_at
from msfusion_sdk.remote.slide import RemoteSlide
from msfusion_sdk.slides.files.stamp import FileStamp

__all__ = [
    "LocalSlide",
    "copies_ahead",
    "local_copy",
    "new_staging_folder",
    "no_room",
    "unwritten",
]

STAGED = ".msfusion-staged-"
"""How folders with copies begin; those of processes that were killed are removed by the next."""

SlidePath = str | PathLike[str]


@dataclass(frozen=True)
class LocalSlide:
    """A slide where it can be read."""

    name: str | PathLike[str] | Url
    """As it was given, or the address that this is."""
    path: str | PathLike[str]
    """On a disk of this machine."""
    stamp: FileStamp | None = None
    """What it is at its address; None for a file that is read in its place."""

    @property
    def shown(self) -> str:
        """What it is called in messages."""
        return str(self.name) if isinstance(self.name, Url) else fspath(self.name)

    def named(self, message: object) -> str:
        """Return a message with the address in place of the copy's path."""
        return str(message).replace(fspath(self.path), self.shown)


def new_staging_folder(folder: Path | None) -> Path:
    """Make a new folder for copies inside ``folder``; its maker removes it.

    Parameters
    ----------
    folder : Path, optional
        None for the system's folder of temporary files: ``TMPDIR``.

    Raises
    ------
    StoreError
        When it cannot be made.
    """
    inside = Path(tempfile.gettempdir()) if folder is None else made_folder(folder)
    remove_abandoned(inside, STAGED)
    try:
        return Path(tempfile.mkdtemp(prefix=f"{STAGED}{this_process()}-", dir=inside))
    except OSError as error:
        raise store_error(inside, error) from error


@contextmanager
def _staging_folder(folder: Path | None) -> Iterator[Path]:
    made = new_staging_folder(folder)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def local_copy(
    url: Url, folder: Path | None = None, tell: Callable[[int, int], None] | None = None
) -> Iterator[LocalSlide]:
    """Yield a copy of the slide at an address, which goes at the end.

    Parameters
    ----------
    folder : Path, optional
        As of ``new_staging_folder``.
    tell : callable, optional
        Called with (bytes fetched, bytes in all).

    Raises
    ------
    SlideError
        When it cannot be fetched, or the disk has no room for it.
    """
    with _staging_folder(folder) as made:
        yield _fetched(look_at(url), made, None, tell, lambda: False)


def copies_ahead(
    slides: Sequence[SlidePath], folder: Path | None, limit_gb: float
) -> Generator[LocalSlide | SlideError]:
    """Yield slides where they can be read, in their order; the next is fetched meanwhile.

    A copy goes when the one after it is asked for.  An address that cannot be fetched is yielded
    as its error.

    Parameters
    ----------
    folder : Path, optional
        As of ``new_staging_folder``.
    limit_gb : float
        The copies together are never larger.
    """
    if not any(find_url(slide) for slide in slides):
        yield from (LocalSlide(slide, slide) for slide in slides)
        return
    with _staging_folder(folder) as made, _Ahead(slides, made, int(limit_gb * 1e9)) as ahead:
        for place in range(len(slides)):
            yield ahead.take(place)


class _Ahead:
    """A thread that fetches slides in their order, while there is room beside the one in use."""

    def __init__(self, slides: Sequence[SlidePath], folder: Path, limit: int) -> None:
        self._slides, self._folder, self._limit = slides, folder, limit
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self._stop = Event()
        self._gone = [Event() for _ in slides]
        self._sizes: dict[int, int] = {}
        self._coming: dict[int, Future[LocalSlide]] = {}

    def __enter__(self) -> Self:
        self._start(0)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for gone in self._gone:
            gone.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def take(self, place: int) -> LocalSlide | SlideError:
        """Return a slide; the one before it is no longer in use."""
        if place:
            shutil.rmtree(self._folder / str(place - 1), ignore_errors=True)
            self._gone[place - 1].set()
        self._start(place + 1)
        if place not in self._coming:
            return LocalSlide(self._slides[place], self._slides[place])
        try:
            return self._coming.pop(place).result()
        except SlideError as error:
            return error

    def _start(self, place: int) -> None:
        url = find_url(self._slides[place]) if place < len(self._slides) else None
        if url is not None:
            self._coming[place] = self._pool.submit(self._fetch, place, url)

    def _fetch(self, place: int, url: Url) -> LocalSlide:
        slide = look_at(url)
        # This thread has fetched the one before, unless that is read in its place.
        held = self._sizes.get(place - 1, 0)
        if held and slide.size + held > self._limit:
            self._gone[place - 1].wait()
        self._sizes[place] = slide.size
        return _fetched(slide, self._folder / str(place), self._limit, None, self._stop.is_set)


def _fetched(
    slide: RemoteSlide,
    folder: Path,
    limit: int | None,
    tell: Callable[[int, int], None] | None,
    is_stopped: Callable[[], bool],
) -> LocalSlide:
    url = slide.url
    folder.mkdir(exist_ok=True)
    free = shutil.disk_usage(folder).free
    room = free if limit is None else min(free, limit)
    if slide.size > room:
        raise no_room(url, slide.size, room)
    try:
        path = fetch(slide, folder, tell=tell, is_stopped=is_stopped)
    except SlideError:
        raise
    except OSError as error:
        raise unwritten(url, error) from error
    return LocalSlide(url, path, slide.stamp)


def no_room(url: object, size: int, room: int) -> SlideError:
    """Return the error of a slide that is larger than its copies may be."""
    return SlideError(
        f"{url} has {size / 1e9:.1f} GB, and its copy on a local disk has room for "
        f"{room / 1e9:.1f} GB. Give a larger disk or limit: staging= and staging_gb= "
        "(--staging, --staging-gb); else TMPDIR says where copies lie."
    )


def unwritten(url: object, error: OSError) -> SlideError:
    """Return the error of a slide whose copy cannot be written."""
    reason = error.strerror or str(error)
    return SlideError(
        f"{url} cannot be copied to a local disk: {reason}. Free space there, or give another "
        "folder: staging= (--staging), else TMPDIR.",
        retryable=True,
    )
