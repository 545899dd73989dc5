"""Copy slides to a local disk ahead of the encoder, within a limit of bytes.

A slide is read in thousands of small pieces, which a network disk answers slowly; one copy
of the whole file is read at the disk's full speed.
"""

import errno
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp

from msfusion_sdk.cohort.workers.worker import SlideTask
from msfusion_sdk.files import made_folder, remove_abandoned, store_error
from msfusion_sdk.files.owners import this_process
from msfusion_sdk.slides.files.companions import companions

__all__ = ["Stager"]

PREFIX = ".msfusion-staged-"


@dataclass
class _Copy:
    """A copy that is being made, or lies ready."""

    size: int
    folder: Path
    result: "Future[Path]"


class Stager:
    """Local copies of slides.

    Parameters
    ----------
    folder : Path
        On a local disk.  A folder of this run is made in it, and removed at the end; those of
        runs that were killed are removed at the beginning.
    limit_gb : float
        All copies together are never larger; a slide larger than that is read in its place.
    """

    def __init__(self, folder: Path, limit_gb: float) -> None:
        remove_abandoned(made_folder(folder), PREFIX)
        try:
            self._root = Path(mkdtemp(prefix=f"{PREFIX}{this_process()}-", dir=folder))
        except OSError as error:
            raise store_error(folder, error) from error
        self._limit = int(limit_gb * 1e9)
        self._copies: dict[str, _Copy] = {}
        # One at a time: two copies from one disk are slower than one after the other.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="staging")

    def prepare(self, task: SlideTask) -> SlideTask | None:
        """Return the task with its local copy, or None while that is made or has no room.

        A slide that cannot be copied is read where it is, and its reader says why.
        """
        copy = self._copies.get(task.slide_id)
        if copy is None:
            return self._start(task)
        if not copy.result.done():
            return None
        try:
            return replace(task, read_from=copy.result.result())
        except OSError as error:
            self.release(task.slide_id)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                # The disk holds less than the limit allows: from now on nothing beyond what lies
                # there.
                self._limit = sum(other.size for other in self._copies.values())
            return task

    def release(self, slide_id: str) -> None:
        """Remove the copy of a slide, if there is one."""
        copy = self._copies.pop(slide_id, None)
        if copy is not None:
            copy.result.cancel()
            shutil.rmtree(copy.folder, ignore_errors=True)

    def close(self) -> None:
        """Remove all copies."""
        # Waited for: a copy in progress would make its folder anew after it is removed.
        self._thread.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(self._root, ignore_errors=True)

    def _start(self, task: SlideTask) -> SlideTask | None:
        try:
            files = companions(task.path)
            size = sum(file.stat().st_size for file in files)
        except OSError:  # its reader says why
            return task
        if not files or size > self._limit:
            return task
        if size + sum(copy.size for copy in self._copies.values()) > self._limit:
            return None
        try:
            folder = Path(mkdtemp(dir=self._root))
        except OSError:
            return task  # a full disk, say: the slide is read where it is
        result = self._thread.submit(_copy, task.path, files, folder)
        # With its full size from the start, so that copies in progress cannot pass the limit
        # together.
        self._copies[task.slide_id] = _Copy(size, folder, result)
        return None


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
