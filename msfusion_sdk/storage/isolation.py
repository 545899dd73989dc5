"""A child process that answers calls: what crashes, hangs or fills the memory in it costs a call.

Native readers of slides and of HDF5 can end the process that they run in, or never return.  The
child is a guard against damaged files; it is no sandbox, for it may do what its user may do.
"""

import contextlib
import importlib
import os
import pickle
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from typing import IO, Any

__all__ = ["Child", "ChildDiedError", "ChildTimeoutError"]

START_S = 300.0
"""Seconds that the process may take to load its libraries, from a slow network disk say."""
POLL_S = 1.0
_START = (
    "import sys; sys.path[:] = {path!r}; "
    "from msfusion_sdk.storage.isolation import _serve; _serve()"
)
# Eight bytes: an answer may be larger than 4 GB.
_LENGTH = struct.Struct("<Q")


class ChildDiedError(Exception):
    """The child ended before it had answered.

    Parameters
    ----------
    exit_code : int or None
        Negative for the signal that ended it.
    """

    def __init__(self, exit_code: int | None) -> None:
        super().__init__(f"exit code {exit_code}")
        self.exit_code = exit_code


class ChildTimeoutError(Exception):
    """The child did not answer in time, and was ended."""


class Child:
    """One process that answers calls of one function; it starts with the first of them.

    Parameters
    ----------
    function : str
        ``module:name``, called in the child with what ``call`` is given.
    threads : int
        Calls that are answered at a time.
    memory_bytes : int, optional
        Of address space, where the system can limit it.
    """

    def __init__(self, function: str, *, threads: int = 1, memory_bytes: int | None = None) -> None:
        self._setup = (function, threads, memory_bytes)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False
        self._waiting: dict[int, Future[Any]] = {}
        self._number = 0
        self._heard_at = time.monotonic()

    @property
    def pid(self) -> int | None:
        """The number of the process; None before it is started and after it has ended."""
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    def start(self) -> None:
        """Start the process unless it runs."""
        with self._lock:
            self._started()

    @property
    def is_idle(self) -> bool:
        """Whether it has nothing to answer."""
        return not self._waiting

    def submit(self, *arguments: Any) -> "Future[Any]":
        """Ask, and return what will hold the answer, an error or ``ChildDiedError``."""
        answer: Future[Any] = Future()
        with self._lock:
            # The time counts from the question: before that there was nothing to answer.
            if not self._waiting:
                self._heard_at = time.monotonic()
            process = self._started()
            self._number += 1
            number, self._waiting[self._number] = self._number, answer
            assert process.stdin is not None
            with contextlib.suppress(OSError, ValueError):  # it has just died: its reader tells
                _send(process.stdin, (number, arguments))
        return answer

    def is_late(self, timeout_s: float) -> bool:
        """Return whether it has answered nothing for so long, although it was asked."""
        patience = timeout_s if self._is_ready else max(START_S, timeout_s)
        return bool(self._waiting) and time.monotonic() - self._heard_at > patience

    def call(self, *arguments: Any, timeout_s: float) -> Any:
        """Return the function's answer, or raise what it raised.

        Raises
        ------
        ChildDiedError
            When the process ends.  The next call starts another.
        ChildTimeoutError
            When it has answered nobody for ``timeout_s`` seconds.  The process is ended, and
            with it all other calls.
        """
        answer = self.submit(*arguments)
        while True:
            with contextlib.suppress(NotInTime):
                return answer.result(min(timeout_s, POLL_S))
            if answer.done():  # what the function itself raised
                return answer.result()
            if self.is_late(timeout_s):
                self.close()
                msg = f"no answer within {timeout_s:g} s"
                raise ChildTimeoutError(msg)

    def close(self) -> None:
        """End the process; calls that wait fail."""
        with self._lock:
            process = self._process
        if process is not None:
            self._end(process)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            code = _START.format(path=sys.path)
            # Not by multiprocessing, which would run the user's script once more in the child.
            self._process = subprocess.Popen(
                [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            self._is_ready = False
            assert self._process.stdin is not None
            _send(self._process.stdin, self._setup)
            threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        return self._process

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError):
            while True:
                number, is_good, answer = _receive(process.stdout)
                with self._lock:
                    self._is_ready, self._heard_at = True, time.monotonic()
                    future = self._waiting.pop(number, None)
                if future is not None:
                    (future.set_result if is_good else future.set_exception)(answer)
        self._end(process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        # One in an uninterruptible read of a dead disk cannot be waited for.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
        with self._lock:
            if self._process is not process:
                return
            self._process, waiting, self._waiting = None, self._waiting, {}
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError, ValueError):
                pipe.close()  # type: ignore[union-attr]
        for future in waiting.values():
            future.set_exception(ChildDiedError(process.returncode))


def _send(pipe: IO[bytes], message: object) -> None:
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> Any:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError
    return pickle.loads(data)


def _serve() -> None:
    """Answer calls until the pipe closes: the main function of the child."""
    requests = os.fdopen(os.dup(0), "rb")
    answers, lock = os.fdopen(os.dup(1), "wb"), threading.Lock()
    os.dup2(2, 1)  # what a library prints is no answer
    path, threads, memory_bytes = _receive(requests)
    if memory_bytes is not None:
        _limit_memory(memory_bytes)
    module, _, name = path.partition(":")
    function: Callable[..., object] = getattr(importlib.import_module(module), name)

    _send(answers, (0, True, None))  # from now on it is a call that takes the time

    def work(number: int, arguments: tuple[object, ...]) -> None:
        is_good, answer = _answer(function, arguments)
        with lock:
            _send(answers, (number, is_good, answer))

    pool = ThreadPoolExecutor(threads)
    try:
        while True:
            pool.submit(work, *_receive(requests))
    except EOFError:
        # Without waiting: a call that hangs would keep the process when its parent is gone.
        os._exit(0)


def _answer(function: Callable[..., object], arguments: tuple[object, ...]) -> tuple[bool, object]:
    try:
        return True, function(*arguments)
    except BaseException as error:
        try:
            # Tried here: an error that cannot be read back would end the parent's listening.
            pickle.loads(pickle.dumps(error))
        except Exception:
            return False, RuntimeError(f"{type(error).__name__}: {error}")
        return False, error


def _limit_memory(size: int) -> None:
    try:
        import resource
    except ImportError:
        return  # Windows
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = size if hard == resource.RLIM_INFINITY else min(size, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
