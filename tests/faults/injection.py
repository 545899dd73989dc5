"""Faults of system calls in a forked copy of this process: killed, failing, or a full disk.

``calls.c`` is compiled where there is a compiler and loaded before everything else; without one
nothing here can run.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple

from msfusion_sdk.errors import MsfusionError

SOURCE = Path(__file__).with_name("calls.c")
LIBRARY = "MSFUSION_FAULTS_LIBRARY"
"""In the environment: where the compiled library lies."""


class Call(IntEnum):
    """Kinds of system calls, in the order of ``calls.c``."""

    FSYNC = 0
    RENAME = 1
    LINK = 2
    UNLINK = 3
    MKDIR = 4
    OPEN = 5
    WRITE = 6
    READ = 7


class Action(IntEnum):
    """What happens at a call, in the order of ``calls.c``."""

    NONE = 0
    KILL_BEFORE = 1
    KILL_AFTER = 2
    FAIL_ONCE = 3
    FAIL_FROM = 4
    FULL_AFTER = 5


class Fault(NamedTuple):
    """One fault below a folder."""

    call: Call | None = None
    at: int = 0
    """Of calls, counted from 1; of a full disk the bytes that are left."""
    action: Action = Action.NONE
    error: int = 0

    def __str__(self) -> str:
        name = "" if self.call is None else self.call.name.lower()
        error = f" {os.strerror(self.error)}" if self.error else ""
        return f"{self.action.name.lower()} {name} {self.at}{error}"


NO_FAULT = Fault()


class Ended(NamedTuple):
    """How a forked copy ended."""

    how: str
    """``ok``, ``own``, ``foreign`` or ``killed``."""
    text: str
    """The error, or the counts of calls."""


def can_run() -> bool:
    """Return whether system calls can be made to fail here."""
    return sys.platform == "linux" and shutil.which("gcc") is not None


def run_with_library(script: Path, arguments: list[str], folder: Path) -> int:
    """Run a script with the library loaded; return its exit code."""
    library = folder / "calls.so"
    command = ["gcc", "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True)
    environment = {
        **os.environ,
        "LD_PRELOAD": str(library),
        LIBRARY: str(library),
        # Threads of a library are not there in a forked copy.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    return subprocess.run(
        [sys.executable, str(script), *arguments], env=environment, check=False
    ).returncode


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(os.environ[LIBRARY])


def run_forked(act: Callable[[], object], folder: Path, fault: Fault = NO_FAULT) -> Ended:
    """Do something in a forked copy of this process, with a fault below a folder."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _in_copy(act, folder, fault, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read().decode(errors="replace")
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGKILL:
        return Ended("killed", "")
    return Ended({0: "ok", 3: "own"}.get(code, "foreign"), text or f"exit code {code}")


def _in_copy(act: Callable[[], object], folder: Path, fault: Fault, writer: int) -> None:
    code, text = 0, ""
    try:
        call = -1 if fault.call is None else int(fault.call)
        where = os.fsencode(folder)
        _library().fault_arm(call, ctypes.c_long(fault.at), int(fault.action), fault.error, where)
        try:
            act()
        finally:
            counts = [_library().fault_count(int(call)) for call in Call]
            _library().fault_arm(-1, ctypes.c_long(0), 0, 0, b"")
        text = " ".join(map(str, counts))
    except MsfusionError as error:
        code, text = 3, f"{type(error).__name__}: {error}"
    except BaseException:
        code, text = 4, traceback.format_exc()
    os.write(writer, text.encode(errors="replace")[-4000:])
    os._exit(code)


def calls_of(act: Callable[[], object], folder: Path) -> dict[Call, int]:
    """Return how many calls of each kind something makes below a folder."""
    ended = run_forked(act, folder)
    assert ended.how == "ok", ended.text
    return dict(zip(Call, map(int, ended.text.split()), strict=True))
