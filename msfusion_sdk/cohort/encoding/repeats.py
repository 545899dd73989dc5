"""Slides that fail one after the other for one reason: a line each at first, then one for many.

Of a disk that is gone every slide would say the same, tens of thousands of times.
"""

import logging

from msfusion_sdk.cohort.store.ledger import SlideStatus
from msfusion_sdk.monitoring.log import log

__all__ = ["Repeats"]

ALONE = 20
"""Slides in a row that fail with one code and have a line each."""


class Repeats:
    """Which failures have a line of their own, and how many others there were."""

    def __init__(self) -> None:
        self._code = ""
        self._in_a_row = 0
        self._untold = 0

    def needs_line(self, status: SlideStatus) -> bool:
        """Return whether how a slide ended is told by itself; says first what was not told yet."""
        code = "" if status.is_done else status.code
        if code != self._code:
            self.tell()
            self._code, self._in_a_row = code, 0
        self._in_a_row += 1
        if not code or self._in_a_row <= ALONE:
            return True
        self._untold += 1
        return False

    def tell(self) -> None:
        """Say how many slides had no line of their own, if there were any."""
        if not self._untold:
            return
        slides = "slide" if self._untold == 1 else "slides"
        log.log(
            logging.WARNING,
            "%d more %s failed in a row with [%s]. The ledger names each.",
            self._untold,
            slides,
            self._code,
            extra={"msfusion": {"event": "slides", "code": self._code, "count": self._untold}},
        )
        self._untold = 0
