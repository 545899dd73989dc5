"""Run a command in this process."""

import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from msfusion_sdk.cli.main import main
from msfusion_sdk.cli.shared import console


class Done(NamedTuple):
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


Msfusion = Callable[..., Done]


@pytest.fixture
def msfusion(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Msfusion:
    """Run a command as the console script does, in this process: importing torch is slow."""

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["msfusion", *map(str, arguments)])
        monkeypatch.setattr(console.out, "width", 160)
        monkeypatch.setattr(console.err, "width", 160)
        with pytest.raises(SystemExit) as end:
            main()
        return Done(int(end.value.code or 0), *capsys.readouterr())

    return run
