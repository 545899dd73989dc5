"""The logger ``msfusion_sdk``: silent until somebody listens, one line per thing that happened.

    logging.getLogger("msfusion_sdk").setLevel("INFO")

A record of a slide has its facts as attributes too, under ``msfusion``: a dict that ``JsonLines``
writes as one object per line.  Nothing secret is logged: addresses lose what stands before ``@``
and after ``?``.
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, Literal

__all__ = ["JsonLines", "LogFormat", "listen", "log", "without_secrets"]

LogFormat = Literal["text", "json"]

log = logging.getLogger("msfusion_sdk")
log.addHandler(logging.NullHandler())

USER = re.compile(r"(?<=://)[^/@\s]+@")
QUERY = re.compile(r"(?<=[\w/])\?[\w.~%-]+=[^\s'\"]*")


def without_secrets(text: str) -> str:
    """Return a text in which addresses have neither user, password nor query.

    Examples
    --------
    >>> without_secrets("https://me:pw@host/a.svs?X-Amz-Signature=1 is gone")
    'https://host/a.svs is gone'
    """
    return QUERY.sub("", USER.sub("", text))


class PlainLines(logging.Formatter):
    """Time, level unless it is usual, and the message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        return without_secrets(f"{at} {level}{record.getMessage()}".replace("\n", " "))


class JsonLines(logging.Formatter):
    """One JSON object per record: ``at``, ``level``, ``message``, and the facts of the record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        facts: dict[str, Any] = getattr(record, "msfusion", {})
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        row = {"at": at, "level": record.levelname.lower(), "message": record.getMessage(), **facts}
        return without_secrets(json.dumps(row, ensure_ascii=False, default=str))


class _ToStderr(logging.Handler):
    """Writes to what stderr is at the moment: bars take its place while they are shown."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)


def listen(style: LogFormat, level: int) -> logging.Handler:
    """Write records of at least ``level`` to stderr, and return the handler that does it."""
    handler = _ToStderr()
    handler.setFormatter(JsonLines() if style == "json" else PlainLines())
    log.addHandler(handler)
    log.setLevel(level)
    return handler
