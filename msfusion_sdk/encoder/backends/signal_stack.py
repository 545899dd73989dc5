"""Keep the stack on which a thread handles signals, whatever a library does to it.

Where the processor has AMX, OpenVINO gives the thread a larger stack for signals, and puts the
one that it found back when it goes: perhaps that of an OpenVINO that has gone before, whose
memory is no more.  The next signal that Python handles, Ctrl-C say, then ends the process
without a word.  A stack that is put back at once is no stack of OpenVINO's, and stays.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["signal_stack_kept"]


class _Stack(ctypes.Structure):
    """``stack_t`` of Linux, see sigaltstack(2)."""

    _fields_ = (
        ("pointer", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("size", ctypes.c_size_t),
    )


@contextmanager
def signal_stack_kept() -> Iterator[None]:
    """Put the thread's signal stack back at the end of the block."""
    if not sys.platform.startswith("linux"):  # elsewhere nobody changes it
        yield
        return
    change, before = ctypes.CDLL(None).sigaltstack, _Stack()
    change(None, ctypes.byref(before))
    try:
        yield
    finally:
        change(ctypes.byref(before), None)
