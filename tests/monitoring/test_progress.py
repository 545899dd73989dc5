"""One protocol of progress: bars where somebody looks, callables otherwise."""

import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from msfusion_sdk.monitoring.progress import parameters_of, showing, shows_progress, terminal_bars


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def work(progress: Any) -> None:
    with showing(progress) as tell:
        tell("slides", 1, 2, "half")
        tell("slides", 2, 2)


def test_a_callable_gets_stage_steps_and_text() -> None:
    seen: list[object] = []
    work(lambda stage, done, total, text="": seen.append((stage, done, total, text)))
    assert seen == [("slides", 1, 2, "half"), ("slides", 2, 2, "")]


def test_a_callable_of_two_gets_the_steps() -> None:
    seen: list[object] = []
    work(lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize("progress", [None, False])
def test_nothing_is_written_where_nobody_looks(
    capsys: pytest.CaptureFixture[str], progress: Any
) -> None:
    work(progress)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("progress", "has_bar"), [(None, True), (False, False)])
def test_a_terminal_has_a_bar_unless_it_is_declined(
    monkeypatch: pytest.MonkeyPatch, progress: Any, has_bar: bool
) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    work(progress)
    assert ("slides" in screen.getvalue()) is has_bar


def test_bars_inside_somebody_elses_are_left_out() -> None:
    console = Console(file=Terminal(), force_terminal=True)
    with terminal_bars(console) as outer, terminal_bars(console) as inner:
        outer("a", 1, 1)
        inner("b", 1, 1)


def test_a_notebook_has_a_line_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    shell = type("ZMQInteractiveShell", (), {})()
    display = SimpleNamespace(
        HTML=lambda text: text, display=lambda *_, **__: SimpleNamespace(update=shown.append)
    )
    module = SimpleNamespace(get_ipython=lambda: shell, display=display)
    monkeypatch.setitem(sys.modules, "IPython", module)
    work(None)
    assert shown[-1].startswith("<div>slides <progress value='2' max='2'>")


@pytest.mark.parametrize(
    ("function", "wanted"),
    [(lambda run: run, 1), (lambda a, b: a, 2), (lambda *a: a, 3), (lambda s, d, t, x="": s, 4)],
)
def test_how_many_values_a_callable_takes(function: Any, wanted: int) -> None:
    assert parameters_of(function) == wanted


def test_a_function_that_shows_progress_always_has_something_to_tell() -> None:
    @shows_progress
    def train(*, progress: Any = None) -> None:
        progress("epochs", 1, 1)

    train()
    seen: list[object] = []
    train(progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 1)]
