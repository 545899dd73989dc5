"""Copy slides to a local disk ahead of the encoder, within a limit of bytes.

A slide is read in thousands of small pieces, which a network disk answers slowly; one copy
of the whole file is read at the disk's full speed.  One at an address is read in no other way.
"""

import errno
import shutil
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from msfusion_sdk.cohort.workers.worker import SlideTask
from msfusion_sdk.errors import SlideError
from msfusion_sdk.remote.copies import new_staging_folder, no_room, unwritten
from msfusion_sdk.remote.fetching import fetch
from msfusion_sdk.slides.files.companions import companions
from msfusion_sdk.slides.files.stamp import FileStamp

__all__ = ["Stager"]

FETCHED_AT_ONCE = 4
FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass
class _Copy:
    """A copy that is being made, or lies ready."""

    stamp: FileStamp
    size: int
    folder: Path
    result: "Future[Path]"


class Stager:
    """Local copies of slides.

    Parameters
    ----------
    folder : Path, optional
        On a local disk.  A folder of this run is made in it, and removed at the end; those of
        runs that were killed are removed at the beginning.  None copies only what is at an
        address, into the system's folder of temporary files.
    limit_gb : float
        All copies together are never larger; a slide larger than that is read in its place.
    """

    def __init__(self, folder: Path | None, limit_gb: float) -> None:
        self._copies_files = folder is not None
        self._root = new_staging_folder(folder)
        self._limit = int(limit_gb * 1e9)
        self._copies: dict[str, _Copy] = {}
        self._stop = threading.Event()
        # One at a time: two copies from one disk are slower than one after the other.
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="staging")
        self._net = ThreadPoolExecutor(FETCHED_AT_ONCE, thread_name_prefix="fetching")

    def prepare(self, task: SlideTask) -> SlideTask | None:
        """Return the task with its local copy, or None while that is made or has no room.

        A slide that cannot be copied is read where it is, and its reader says why; at an address
        it has a problem instead.
        """
        if task.remote is None and not self._copies_files:
            return task
        # Of an earlier try.
        task = replace(task, read_from=None, problem=None)
        copy = self._copies.get(task.slide_id)
        if copy is not None and copy.stamp != task.wanted.stamp:  # it was replaced meanwhile
            self.release(task.slide_id)
            copy = None
        if copy is None:
            return self._start(task)
        if not copy.result.done():
            return None
        try:
            return replace(task, read_from=copy.result.result())
        except SlideError as error:
            self.release(task.slide_id)
            return replace(task, problem=error)
        except OSError as error:
            self.release(task.slide_id)
            return self._unwritten(task, error)

    def release(self, slide_id: str) -> None:
        """Remove the copy of a slide, if there is one."""
        copy = self._copies.pop(slide_id, None)
        if copy is not None:
            copy.result.cancel()
            shutil.rmtree(copy.folder, ignore_errors=True)

    def close(self) -> None:
        """Remove all copies."""
        self._stop.set()
        for pool in (self._disk, self._net):
            # Waited for: a copy in progress would make its folder anew after it is removed.
            pool.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(self._root, ignore_errors=True)

    def _start(self, task: SlideTask) -> SlideTask | None:
        try:
            files = companions(task.path) if isinstance(task.path, Path) else []
            size = sum(file.stat().st_size for file in files)
        except OSError:  # its reader says why
            return task
        if task.remote is not None:
            size = task.remote.size
            if size > self._limit:
                return replace(task, problem=no_room(task.path, size, self._limit))
        elif not files or size > self._limit:
            return task
        if size + sum(copy.size for copy in self._copies.values()) > self._limit:
            return None
        try:
            folder = Path(mkdtemp(dir=self._root))
        except OSError as error:
            return self._unwritten(task, error)
        if task.remote is not None:
            made = partial(fetch, task.remote, folder, is_stopped=self._stop.is_set)
            result = self._net.submit(made)
        else:
            assert isinstance(task.path, Path)
            result = self._disk.submit(_copy, task.path, files, folder)
        # With its full size from the start, so that copies in progress cannot pass the limit
        # together.
        self._copies[task.slide_id] = _Copy(task.wanted.stamp, size, folder, result)
        return None

    def _unwritten(self, task: SlideTask, error: OSError) -> SlideTask | None:
        """Return what to do with a slide whose copy the local disk does not take."""
        others = sum(other.size for other in self._copies.values())
        if error.errno in FULL:
            # The disk holds less than the limit allows: from now on nothing beyond what lies
            # there.
            self._limit = others
        if task.remote is None:
            return task
        # With room again when others are done; with no others there is none.
        waits = error.errno in FULL and others
        return None if waits else replace(task, problem=unwritten(task.path, error))


def _copy(path: Path, files: list[Path], folder: Path) -> Path:
    """Copy with the times of modification, which are part of a slide's identity.

    Raises
    ------
    OSError
        Also when a copy is not as long as its original.
    """
    beside = path.parent
    for file in files:
        target = folder / file.relative_to(beside)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)
        if target.stat().st_size != file.stat().st_size:
            msg = f"{file} changed while it was copied"
            raise OSError(msg)
    return folder / path.name
