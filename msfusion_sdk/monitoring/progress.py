"""How long work says how far it is: one protocol, bars in terminals and notebooks by default.

A function that takes ``progress`` takes a callable, None or False.  None shows bars where somebody
looks (a terminal, a notebook) and nothing elsewhere; False shows nothing anywhere.
"""

import html
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar

__all__ = [
    "Progress",
    "ProgressLike",
    "in_notebook",
    "no_progress",
    "parameters_of",
    "showing",
    "shows_progress",
    "terminal_bars",
]

P = ParamSpec("P")
R = TypeVar("R")


class Progress(Protocol):
    """Takes the state of one stage of a piece of work."""

    def __call__(self, stage: str, done: int, total: int, text: str = "") -> None:
        """Note that ``done`` of ``total`` steps of ``stage`` are done; ``text`` says more."""


ProgressLike = Progress | Callable[[int, int], None] | None | bool
"""A :class:`Progress`, a callable of (done, total) alone, None or False."""


@contextmanager
def showing(progress: ProgressLike, stage: str = "") -> Iterator[Progress]:
    """Yield what is called with the state of the work in the block.

    Parameters
    ----------
    progress : callable, None or False
        A callable of two parameters is called with (done, total).
    stage : str
        The only stage of which such a callable is told; '' for all.
    """
    if callable(progress):
        given: Any = progress
        yield _of_two(given, stage) if parameters_of(given) == 2 else given
    elif progress is False or not (in_notebook() or sys.stderr.isatty()):
        yield no_progress
    else:
        with _notebook_bars() if in_notebook() else terminal_bars() as update:
            yield update


def shows_progress(function: Callable[P, R]) -> Callable[P, R]:
    """Return a decorator of functions with the keyword ``progress``, which is then always there.

    What is called inside is what :func:`showing` yields for what was given.
    """

    @wraps(function)
    def shown(*args: P.args, **kwargs: P.kwargs) -> R:
        given: Any = kwargs.pop("progress", None)
        with showing(given) as tell:
            kwargs["progress"] = tell
            return function(*args, **kwargs)

    return shown


def in_notebook() -> bool:
    """Return whether this runs in a cell of a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


@contextmanager
def terminal_bars(console: Any = None) -> Iterator[Progress]:
    """Show a bar per stage on stderr while the block runs.

    Parameters
    ----------
    console : rich.console.Console, optional
        Where they are shown.
    """
    from rich.console import Console
    from rich.errors import LiveError
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    bars = Bars(*columns, console=console or Console(stderr=True), transient=False)
    tasks: dict[str, Any] = {}

    def update(stage: str, done: int, total: int, text: str = "") -> None:
        if stage not in tasks:
            tasks[stage] = bars.add_task(stage, total=total, text=text)
        bars.update(tasks[stage], completed=done, total=total, text=text)

    try:
        bars.start()
    except LiveError:  # somebody's own bars are on the screen already
        yield no_progress
        return
    try:
        yield update
    finally:
        bars.stop()


@contextmanager
def _notebook_bars() -> Iterator[Progress]:
    """Show a line per stage below the cell; needs nothing beside IPython."""
    display: Any = sys.modules["IPython"].display
    stages: dict[str, tuple[int, int, str]] = {}
    handle = display.display(display.HTML(""), display_id=True)

    def update(stage: str, done: int, total: int, text: str = "") -> None:
        stages[stage] = (done, total, text)
        handle.update(display.HTML(_as_html(stages)))

    yield update


def _as_html(stages: dict[str, tuple[int, int, str]]) -> str:
    rows = [
        f"<div>{html.escape(stage)} <progress value='{done}' max='{max(1, total)}'></progress> "
        f"{done}/{total} {html.escape(text)}</div>"
        for stage, (done, total, text) in stages.items()
    ]
    return "".join(rows)


def parameters_of(function: Callable[..., object]) -> int:
    """Return how many values a callable takes at most; three for one that does not say."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return 3
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return 3
    return sum(one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) for one in parameters)


def _of_two(function: Any, only: str) -> Progress:
    def tell(stage: str, done: int, total: int, text: str = "") -> None:
        if only in ("", stage):
            function(done, total)

    return tell


def no_progress(stage: str, done: int, total: int, text: str = "") -> None:
    """Show nothing."""
