"""Hints that a process works on a slide, so that others turn to another one first.

Only a hint: a claim of a process that is gone counts no more, and one of a process that nobody
here can ask for, on another machine, delays a slide to the end of the queue and nothing else.
No clock is ever compared.  That no result is lost or doubled is the commit's doing
(``store.py``).
"""

import os
from contextlib import suppress
from pathlib import Path

from msfusion_sdk.cohort.store.holdings import part_name
from msfusion_sdk.files import made_folder, read_bytes
from msfusion_sdk.files.owners import is_gone, this_process

__all__ = ["CLAIMS", "Claims", "is_abandoned"]

CLAIMS = "claims"
"""The folder of claims beside the ledger of a model."""


class Claims:
    """The claims of this process on slides of one model."""

    def __init__(self, root: Path, fingerprint: str) -> None:
        self._folder = made_folder(root / "ledger" / fingerprint / CLAIMS)
        self._held: set[str] = set()

    def take(self, slide_id: str) -> bool:
        """Claim a slide; False when another process has that may still be at it."""
        if slide_id in self._held:
            return True
        path = self._path(slide_id)
        if not self._claim(path):
            if not is_abandoned(path):
                return False
            with suppress(OSError):
                path.unlink()
            self._claim(path)
        self._held.add(slide_id)
        return True

    def release(self, slide_id: str) -> None:
        """Give a slide up, also one that is claimed by a process that is gone."""
        self._held.discard(slide_id)
        with suppress(OSError):  # a hint that stays does no harm
            self._path(slide_id).unlink(missing_ok=True)

    def release_all(self) -> None:
        """Give up every slide that this process has claimed."""
        for slide_id in tuple(self._held):
            self.release(slide_id)

    def _claim(self, path: Path) -> bool:
        """Make a claim unless there is one."""
        try:
            # ``O_EXCL``: of several processes that try in the same moment, one makes the file.
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        except OSError:
            return True  # a full disk, say: without the hint the work is the same
        try:
            with suppress(OSError):
                os.write(descriptor, this_process().encode())
        finally:
            os.close(descriptor)
        return True

    def _path(self, slide_id: str) -> Path:
        # Named like the part, since an id may hold what no file name can.
        return self._folder / part_name(slide_id).removesuffix(".parquet")


def is_abandoned(path: Path) -> bool:
    """Return whether a claim is of a process that has ended."""
    try:
        return is_gone(read_bytes(path).decode(errors="replace")) is True
    except OSError:
        return False
