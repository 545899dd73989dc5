"""Whose a temporary file is: a process that is gone leaves it for ever, one that lives needs it.

No clock decides: the name of what a process makes holds the machine, the process and when that
process began, counted from the start of the machine.
"""

import hashlib
import os
import platform
import re
from functools import cache
from pathlib import Path

__all__ = ["OWNER", "is_gone", "has_ended", "this_process"]

OWNER = r"(?P<machine>[0-9a-f]{8})-(?P<pid>[0-9]+)-(?P<began>[0-9]+)"
"""The pattern of an owner within a name."""

_BOOT, _SPACE = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
_FIELD_BEGAN = 19
"""Of /proc/<pid>/stat, counted after the name of the program, which may hold blanks."""


def this_process() -> str:
    """Return what stands for this process in names: machine, number, and when it began."""
    pid = os.getpid()
    return f"{_machine()}-{pid}-{_began(pid) or 0}"


def is_gone(owner: str) -> bool | None:
    """Return whether the process has ended; None when it is, or was, one of another machine."""
    found = re.fullmatch(OWNER, owner)
    if found is None or found["machine"] != _machine():
        return None
    pid, began = int(found["pid"]), int(found["began"])
    # Numbers are used again: the process of this number may be another one.
    return not _is_running(pid) or (_began(pid) or began) != began


def has_ended(name: str, prefix: str) -> bool | None:
    """Return whether the process that a name tells of has ended; None when it cannot be told."""
    match = re.fullmatch(rf"{re.escape(prefix)}({OWNER})-.*", name)
    return is_gone(match[1]) if match else None


@cache
def _machine() -> str:
    """Return eight digits for this machine since it was started, as processes in it see it.

    Two containers may share a name and number their processes alike.
    """
    parts = [platform.node()]
    if _BOOT.is_file():
        # The boot id changes with every start; the process namespace tells containers apart.
        parts += [_BOOT.read_text(), str(_SPACE.readlink())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def _is_running(pid: int) -> bool:
    if os.name == "nt":  # where signal 0 would end it
        return True
    try:
        # Signal 0 reaches nobody: the system only checks whether it could be sent.
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # somebody else's
    return True


def _began(pid: int) -> int | None:
    """Return when a process began, in ticks since the machine did; None where that is unknown."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # The name stands in brackets and may hold brackets itself: the last one ends it.
    return int(text.rpartition(")")[2].split()[_FIELD_BEGAN])
