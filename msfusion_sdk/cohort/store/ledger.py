"""How the encoding of every slide ended: one line of JSON each, a file for every run.

Runs write side by side into files of their own, so none can damage another's lines.
"""

import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from msfusion_sdk.cohort.store.part import Part
from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.errors import StoreCorruptError
from msfusion_sdk.files import entries_of, made_folder, read_bytes, store_bytes, store_error
from msfusion_sdk.storage.records import SEAL, seal_of

__all__ = ["DONE", "Ledger", "SlideStatus", "Status", "read_lines", "salvage_lines", "status_of"]

RUN = re.compile(r"run-([0-9]{6,})-[0-9a-f]+\.jsonl")
DAMAGE = (ValueError, TypeError, AttributeError, ValidationError)
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
    """The statuses of one model in a cohort folder.

    Runs are numbered: what a later run says of a slide counts, whatever the clock said.
    """

    def __init__(self, root: str | Path, fingerprint: str) -> None:
        self.folder = Path(root) / "ledger" / fingerprint
        # Runs that begin side by side may count to the same number.
        self._name = secrets.token_hex(4)

    @cached_property
    def _path(self) -> Path:
        number = 1 + max((_number(path) for path in self.files()), default=0)
        return self.folder / f"run-{number:06d}-{self._name}.jsonl"

    def files(self) -> list[Path]:
        """Return the files of all runs.

        Raises
        ------
        StoreError
            When the folder cannot be listed.
        """
        return [path for path in entries_of(self.folder) if path.suffix == ".jsonl"]

    def write(self, status: SlideStatus) -> SlideStatus:
        """Append a status with the time of now, and return it.

        Raises
        ------
        StoreFullError, StoreError
            When it cannot be written.
        """
        status = status.model_copy(update={"at": datetime.now(UTC).isoformat()})
        content = status.model_dump(mode="python")
        # ASCII: a reason may name a file whose name is no text.
        line = json.dumps({**content, SEAL: seal_of(content)}).encode() + b"\n"
        made_folder(self.folder)
        try:
            with self._path.open("ab") as file:
                file.write(line)
                file.flush()
                # After a power cut only the ledger tells of failures: parts tell of successes.
                os.fsync(file.fileno())
        except OSError as error:
            raise store_error(self._path, error) from error
        return status

    def latest(self) -> dict[str, SlideStatus]:
        """Return the last status of every slide, over all runs.

        Raises
        ------
        StoreCorruptError
            When a line is damaged.
        StoreError
            When a file cannot be read.
        """
        found: dict[str, tuple[int, SlideStatus]] = {}
        for path in self.files():
            number, own = _number(path), {s.slide_id: s for s in read_lines(path)}
            for name, status in own.items():
                known = found.get(name)
                # Of runs side by side, and of version 0.1.0, the clock has to do.
                if known is None or (known[0], known[1].at) <= (number, status.at):
                    found[name] = number, status
        return {name: status for name, (_, status) in found.items()}


def read_lines(path: Path) -> list[SlideStatus]:
    """Return the statuses in the file of a run.

    A last line without its end is of a run that was killed, and what it was about is work again.

    Raises
    ------
    StoreCorruptError
        When a line is damaged; those of version 0.1.0, which had no digest, are then left out.
    StoreError
        When the file cannot be read.
    """
    statuses = []
    for place, line, is_torn in _lines(path):
        try:
            statuses.append(_status(line, is_sealed=_number(path) > 0))
        except DAMAGE as error:
            if _number(path) and not is_torn:
                msg = (
                    f"Line {place} of {path} is damaged. Bring the file back from a copy, or: "
                    "msfusion doctor --cohort DIR --repair keeps the other lines."
                )
                raise StoreCorruptError(msg) from error
    return statuses


def salvage_lines(path: Path) -> Path:
    """Write the intact lines of a file into another one of the same run; return its path."""
    kept = []
    for _, line, _ in _lines(path):
        with suppress(*DAMAGE):
            _status(line, is_sealed=_number(path) > 0)
            kept.append(line + b"\n")
    name = f"run-{_number(path):06d}-{secrets.token_hex(4)}.jsonl"
    return store_bytes(path.with_name(name), b"".join(kept))


def _lines(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    """Yield number and text of each line, and whether it lacks its end."""
    *whole, torn = read_bytes(path).split(b"\n")
    for place, line in enumerate(whole, 1):
        yield place, line, False
    if torn:
        yield len(whole) + 1, torn, True


def _status(line: bytes, *, is_sealed: bool) -> SlideStatus:
    content = json.loads(line)
    stated = content.pop(SEAL, None)
    if (stated is not None or is_sealed) and stated != seal_of(content):
        msg = "its digest is another"
        raise ValueError(msg)
    return SlideStatus.model_validate(content)


def _number(path: Path) -> int:
    """Return which run it was; 0 for those of version 0.1.0, which were named after the time."""
    match = RUN.fullmatch(path.name)
    return int(match[1]) if match else 0


def status_of(part: Part) -> SlideStatus:
    """Return the status that a committed part stands for."""
    return SlideStatus.model_validate(
        {name: getattr(part, name) for name in ("slide_id", "status", "reason", "n_patches")}
    )
