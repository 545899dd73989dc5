"""The command: where it listens, how it ends, and what it says when it cannot start."""

import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from msfusion_sdk.errors import (
    MissingExtraError,
    PortError,
    SlideNotFoundError,
    StoreMixedFeaturesError,
)
from msfusion_sdk.view.catalog import open_catalog
from msfusion_sdk.view.serve import serve

from ..patience import patient


def refuse(address: str) -> None:
    pytest.fail(f"it listens on {address}")


@pytest.mark.posix
@pytest.mark.process
def test_ctrl_c_ends_it_with_zero(cohort: Path) -> None:
    command = [sys.executable, "-m", "msfusion_sdk.cli", "view", str(cohort), "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout
        address = run.stdout.readline().split()[0]
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(address) as answer:
            assert answer.status == 200
        run.send_signal(signal.SIGINT)
        printed, errors = run.communicate(timeout=patient(120))
    assert (run.returncode, errors) == (0, "")
    assert printed.endswith("The viewer has ended.\n")


def test_a_taken_port_is_an_error_that_names_the_option(cohort: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=f"port {port} of 127.0.0.1: .*--port"):
            serve(cohort, port=port, announce=refuse)


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_a_missing_extra_names_the_command(
    cohort: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "msfusion_sdk.view.app", raising=False)
    monkeypatch.delitem(sys.modules, "msfusion_sdk.view.guard", raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtraError, match=r'pip install "msfusion-sdk\[view\]"'):
        serve(cohort, port=0, announce=refuse)


@pytest.mark.process
def test_the_command_line_loads_no_web_server() -> None:
    code = "import sys, msfusion_sdk.cli.main; print(*{'starlette', 'uvicorn'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_a_slide_that_is_not_there_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(SlideNotFoundError):
        serve(tmp_path / "case.svs", port=0, announce=refuse)


def test_of_several_models_one_must_be_meant(cohort: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(cohort, tmp_path / "lung"))
    (copy / "embeddings" / "f00").mkdir()
    with pytest.raises(StoreMixedFeaturesError):
        open_catalog(copy)
    assert open_catalog(copy, "f00").slides


def test_a_key_depends_on_the_file_and_tells_nothing(cohort: Path) -> None:
    keys = [slide.key for slide in open_catalog(cohort).slides]
    assert len(set(keys)) == len(keys)
    assert all(len(key) == 20 and int(key, 16) for key in keys)
