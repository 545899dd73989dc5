"""``-v``, ``-q`` and ``--log-format`` anywhere on the line, and what long work says by them."""

import logging
import sys
import time
from typing import NamedTuple

import typer

from msfusion_sdk.monitoring.log import LogFormat, listen, log

__all__ = ["Talk", "log_progress", "start", "take_logging", "talk"]

FORMATS = ("text", "json")
LINE_S = 60.0


class Talk(NamedTuple):
    """What a command says while it works."""

    has_bars: bool
    """Whether somebody looks at bars."""
    style: LogFormat
    level: int


_chosen = Talk(has_bars=False, style="text", level=logging.WARNING)


def talk() -> Talk:
    """Return how this command talks."""
    return _chosen


def take_logging(words: list[str]) -> tuple[list[str], Talk]:
    """Return the line without these options, and what they say.

    In a terminal there are bars; elsewhere a line per slide and one a minute.

    Raises
    ------
    typer.BadParameter
        When ``--log-format`` is neither text nor json.
    """
    rest: list[str] = []
    louder, quiet, style = 0, False, ""
    left = iter(words)
    for word in left:
        if word == "--":
            rest += [word, *left]
        elif word in ("-v", "--verbose"):
            louder += 1
        elif word == "-vv":
            louder += 2
        elif word in ("-q", "--quiet"):
            quiet = True
        elif word == "--log-format" or word.startswith("--log-format="):
            style = word.partition("=")[2] or next(left, "")
            if style not in FORMATS:
                msg = f"--log-format is text or json, and {style!r} was given."
                raise typer.BadParameter(msg)
        else:
            rest.append(word)
    return rest, _meant(louder, quiet, style, is_watched=sys.stderr.isatty())


def start(chosen: Talk) -> logging.Handler:
    """Let the logger write to stderr as was chosen; return its handler."""
    global _chosen
    _chosen = chosen
    return listen(chosen.style, chosen.level)


def log_progress(stage: str, done: int, total: int, text: str = "") -> None:
    """Log a stage once a minute, and when it is done."""
    now = time.monotonic()
    if done < total and now - _said.get(stage, 0.0) < LINE_S:
        return
    _said[stage] = now
    facts = {"event": "progress", "stage": stage, "done": done, "total": total}
    log.info("%s: %d of %d %s", stage, done, total, text, extra={"msfusion": facts})


_said: dict[str, float] = {}


def _meant(louder: int, quiet: bool, style: str, *, is_watched: bool) -> Talk:
    level = logging.DEBUG if louder > 1 else logging.INFO
    if quiet:
        return Talk(False, "json" if style == "json" else "text", logging.WARNING)
    if is_watched and not style:
        # Lines between bars only when they were asked for.
        return Talk(True, "text", level if louder else logging.ERROR)
    return Talk(False, "json" if style == "json" else "text", level)
