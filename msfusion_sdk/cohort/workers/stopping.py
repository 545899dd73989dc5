"""Stop a run cleanly: by a signal, or because too many slides fail."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Stop", "stop_on_signals"]

GRACE_S = 20.0
"""Seconds that slides in hand get to finish; SLURM kills 30 s after its SIGTERM."""


class Stop:
    """Whether a run is to end, and since when."""

    def __init__(self) -> None:
        self.signum: int | None = None
        """The signal that asked for it, None when nobody or something else did."""
        self._since: float | None = None
        self._at_once = False

    @property
    def requested(self) -> bool:
        """Whether no further slide is to be started."""
        return self._since is not None

    @property
    def expired(self) -> bool:
        """Whether slides in hand have had their time too."""
        return self._at_once or (
            self._since is not None and time.monotonic() - self._since > GRACE_S
        )

    def request(self, signum: int | None = None) -> None:
        """Start no further slide; asked a second time by a signal, end at once."""
        if signum is not None:
            # A run that already ends for its failures gets its time of grace at the first signal,
            # too.
            self._at_once = self.signum is not None
            self.signum = signum
        if self._since is None:
            self._since = time.monotonic()


@contextmanager
def stop_on_signals(stop: Stop) -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP request the stop while the block runs.

    Python hands signals to the main thread only: in another thread they keep their meaning.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(signum: int, _frame: FrameType | None) -> None:
        stop.request(signum)

    names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # Under nohup the end of the terminal is ignored, and stays so.
    numbers = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
