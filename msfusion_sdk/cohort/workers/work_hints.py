"""Hints that a process works on a slide, so that others turn to another one first.

Only a hint: a claim that a killed process has left delays a slide to the end of the queue
and nothing else, so no clock, host name or process id is ever compared.  That no result is
lost or doubled is the commit's doing (``store.py``).
"""

import os
from pathlib import Path

from msfusion_sdk.cohort.store.holdings import part_name

__all__ = ["Claims"]


class Claims:
    """The claims of this process on slides of one model."""

    def __init__(self, root: Path, fingerprint: str) -> None:
        self._folder = root / "ledger" / fingerprint / "claims"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._held: set[str] = set()

    def take(self, slide_id: str) -> bool:
        """Claim a slide; False when another process has, or had when it was killed."""
        if slide_id in self._held:
            return True
        try:
            os.close(os.open(self._path(slide_id), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        except FileExistsError:
            return False
        except OSError:
            return True  # a full disk, say: without the hint the work is the same
        self._held.add(slide_id)
        return True

    def release(self, slide_id: str) -> None:
        """Give a slide up, also one that is claimed by a process that is gone."""
        self._held.discard(slide_id)
        self._path(slide_id).unlink(missing_ok=True)

    def release_all(self) -> None:
        """Give up every slide that this process has claimed."""
        for slide_id in tuple(self._held):
            self.release(slide_id)

    def _path(self, slide_id: str) -> Path:
        return self._folder / part_name(slide_id).removesuffix(".parquet")
