"""Connections of the viewer: few at a time, and none that keeps others waiting.

A client that sends half a request, or does not take its answer, would otherwise stay for ever.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["BoundedProtocol"]

MOST = 128
"""Connections at a time; a browser opens six, a file descriptor each."""
HEAD_S = 10.0
"""From the beginning of a connection, or the end of an answer, to the end of the next request."""
ANSWER_S = 120.0
"""From the end of a request until its answer has been taken."""


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 with a limit on connections and on the time that each may take."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin, or hang up when there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MOST:
            # Without a word, and without a line in a log: there may be thousands.
            transport.abort()
            return
        self._allow(HEAD_S)

    def data_received(self, data: bytes) -> None:
        """Take what came; once a request is whole, its answer has the time it needs."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._allow(ANSWER_S)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._allow(HEAD_S)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop()
        super().connection_lost(exc)

    def _allow(self, seconds: float) -> None:
        self._stop()
        self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
