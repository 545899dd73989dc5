"""Where commands print: results to stdout, progress and errors to stderr."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from msfusion_sdk.errors import MsfusionError

__all__ = ["Bars", "bars", "known_words", "err", "out", "typed"]

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class Bars(Protocol):
    """Move the bar of a stage."""

    def __call__(self, stage: str, done: int, total: int, text: str = "") -> None:
        """Show that ``done`` of ``total`` steps of ``stage`` are done."""


@contextmanager
def bars() -> Iterator[Bars]:
    """Show a progress bar per stage while the block runs."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=err, transient=False) as progress:
        tasks = {}

        def update(stage: str, done: int, total: int, text: str = "") -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=total, text=text)
            progress.update(tasks[stage], completed=done, total=total, text=text)

        yield update


@contextmanager
def known_words() -> Iterator[None]:
    """Turn a word that a function does not know into an error of usage.

    Our own errors, some of which are ``ValueError`` too, pass unchanged.
    """
    try:
        yield
    except MsfusionError:
        raise
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def typed() -> str:
    """Return the command as it can be typed again."""
    return shlex.join(["msfusion", *sys.argv[1:]])
