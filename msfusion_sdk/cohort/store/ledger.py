"""How the encoding of every slide ended: one line of JSON each, a file for every run.

Runs write side by side into files of their own, so none can damage another's lines.
"""

import json
import os
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from msfusion_sdk.cohort.store.part import Part
from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.files import store_error

__all__ = ["DONE", "Ledger", "SlideStatus", "Status", "status_of"]

Status = Literal["ok", "ok_with_warnings", "empty", "failed", "crashed", "timeout", "changed"]
DONE = ("ok", "ok_with_warnings", "empty")
"""The statuses of a slide whose part is committed."""


class SlideStatus(FrozenConfig):
    """How the encoding of one slide ended."""

    slide_id: str
    status: Status
    code: str = ""
    """Of the error: its class without ``Error``."""
    reason: str = ""
    """For people on this machine: it may name paths, and never leaves in an export."""
    n_patches: int = 0
    seconds: float = 0.0
    attempts: int = 1
    retryable: bool = False
    """True when the same slide may succeed later without anyone repairing it."""
    at: str = ""
    """When it ended, UTC, ISO 8601."""

    @property
    def is_done(self) -> bool:
        """Whether the slide needs no more work."""
        return self.status in DONE


class Ledger:
    """The statuses of one model in a cohort folder."""

    def __init__(self, root: str | Path, fingerprint: str) -> None:
        self.folder = Path(root) / "ledger" / fingerprint
        started = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        self._path = self.folder / f"{started}-{secrets.token_hex(4)}.jsonl"

    def write(self, status: SlideStatus) -> SlideStatus:
        """Append a status with the time of now, and return it."""
        status = status.model_copy(update={"at": datetime.now(UTC).isoformat()})
        try:
            self._append(status.model_dump_json().encode() + b"\n")
        except OSError as error:
            raise store_error(self._path, error) from error
        return status

    def _append(self, line: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def latest(self) -> dict[str, SlideStatus]:
        """Return the last status of every slide, over all runs."""
        found: dict[str, SlideStatus] = {}
        for status in self._read():
            known = found.get(status.slide_id)
            if known is None or known.at <= status.at:
                found[status.slide_id] = status
        return found

    def _read(self) -> Iterable[SlideStatus]:
        for path in sorted(self.folder.glob("*.jsonl")):
            for line in path.read_bytes().splitlines():
                try:
                    yield SlideStatus.model_validate(json.loads(line))
                except (ValueError, ValidationError):
                    # The last line of a run that was killed; what it was about is work again.
                    continue


def status_of(part: Part) -> SlideStatus:
    """Return the status that a committed part stands for."""
    return SlideStatus.model_validate(
        {name: getattr(part, name) for name in ("slide_id", "status", "reason", "n_patches")}
    )
