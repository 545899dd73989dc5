"""However a command ends, it says why in words and with the exit code that is documented."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from msfusion_sdk import Cohort
from msfusion_sdk.errors import RunInterruptedError
from msfusion_sdk.tables import arrow

pytestmark = pytest.mark.slow

CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "p.csv").write_text("patient_id,diagnosis\nP1,x\nP2,y\n")
    return tmp_path / "p.csv"


@pytest.mark.parametrize("name", CODES)
def test_a_signal_ends_any_command_in_words(
    msfusion: Any, table: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        os.kill(os.getpid(), getattr(signal, name))

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(Cohort, "create", interrupted)
    done = msfusion("cohort", "create", table.parent / "c", "--patients", table)
    assert done.code == CODES[name]
    assert "What was written is complete" in done.stderr
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("name", CODES)
def test_a_signal_that_a_library_makes_another_error_of_keeps_its_code(
    msfusion: Any, table: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        try:
            os.kill(os.getpid(), getattr(signal, name))
        except KeyboardInterrupt:
            # As an extension module that is interrupted while it is imported.
            msg = "initialization of a module raised unreported exception"
            raise SystemError(msg) from None

    monkeypatch.setattr(Cohort, "create", interrupted)
    done = msfusion("cohort", "create", table.parent / "c", "--patients", table)
    assert (done.code, "What was written is complete" in done.stderr) == (CODES[name], True)


@pytest.mark.parametrize(("signum", "code"), [(2, 130), (15, 143), (1, 129)])
def test_an_interrupted_run_has_the_code_of_its_signal(
    msfusion: Any, table: Path, monkeypatch: pytest.MonkeyPatch, signum: int, code: int
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        msg = "Stopped: 3 slides were encoded and stay."
        raise RunInterruptedError(msg, signum=signum)

    monkeypatch.setattr(Cohort, "create", interrupted)
    done = msfusion("cohort", "create", table.parent / "c", "--patients", table)
    assert (done.code, "3 slides were encoded" in done.stderr) == (code, True)


def test_under_nohup_the_end_of_the_terminal_is_ignored(
    msfusion: Any, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    create = Cohort.create

    def hung_up(*arguments: Any, **options: Any) -> Cohort:
        os.kill(os.getpid(), signal.SIGHUP)
        return create(*arguments, **options)

    monkeypatch.setattr(Cohort, "create", hung_up)
    try:
        assert msfusion("cohort", "create", table.parent / "c", "--patients", table).code == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_error_of_the_system_is_no_traceback(
    msfusion: Any, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error", "/disk/x")

    monkeypatch.setattr(arrow, "read_table", fail)
    monkeypatch.setattr(Cohort, "create", fail)
    done = msfusion("cohort", "create", table.parent / "c", "--patients", table)
    assert done.code == 5
    assert "Input/output error: /disk/x. Check the path" in done.stderr


def test_names_that_are_no_text_can_be_printed(msfusion: Any, tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.csv")
    done = msfusion("cohort", "create", tmp_path / "c", "--patients", tmp_path / name)
    assert done.code == 2
    assert "\\udcff.csv" in done.stderr


def test_a_terminal_that_knows_few_letters_gets_escapes(tmp_path: Path) -> None:
    import subprocess

    words = [sys.executable, "-m", "msfusion_sdk.cli", "cohort", "status", "ü"]
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(words, env={**os.environ, **plain}, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"holds no cohort" in done.stderr
