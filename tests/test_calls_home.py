"""Nothing calls home: system calls of whole runs, those of native libraries included.

Every connection to another machine and every file that is made are looked at, with all extras
installed.  Two runs, because each import of torch costs seconds under a tracer.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

MADE = re.compile(r'(?:openat|creat|mkdir|rename\w*)\((?:AT_FDCWD, )?"([^"]+)"(.*)')
REMOTE = re.compile(r"connect\(\d+, \{sa_family=(AF_INET6?), (.*)")


@dataclass(frozen=True)
class Trace:
    """What a program asked of the system."""

    remote: list[str]
    """Addresses on other machines."""
    made: list[Path]
    """Files and folders that were opened for making them."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def traced(program: str, home: Path, where: Path) -> Trace:
    """Run Python code under strace, in its own home folder."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    log = where / "trace.txt"
    calls = "connect,openat,creat,mkdir,rename,renameat,renameat2"
    plain = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    # In a CI that says so OpenVINO keeps still by itself.
    plain = {name: value for name, value in plain.items() if not name.startswith(("CI", "XDG"))}
    done = subprocess.run(
        [
            "strace",
            "-f",
            "--seccomp-bpf",
            "-qq",
            "-e",
            f"trace={calls}",
            "-o",
            log,
            sys.executable,
            "-c",
            program,
        ],
        env={**plain, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=where,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if "ptrace" in done.stderr and done.returncode:
        pytest.skip("processes cannot be traced here")
    assert done.returncode == 0, done.stderr
    return read_trace(log.read_text(errors="replace"), where)


def read_trace(text: str, where: Path) -> Trace:
    remote = [found[2] for found in REMOTE.finditer(text) if "127.0.0.1" not in found[2]]
    made = [
        where / found[1]
        for found in MADE.finditer(text)
        if "= -1" not in found[2] and ("O_CREAT" in found[2] or not found[0].startswith("openat"))
    ]
    return Trace(remote, made)


def outside(trace: Trace, *allowed: Path) -> list[Path]:
    quiet = (Path("/dev"), Path("/proc"), *allowed)
    return [path for path in trace.made if not any(path.is_relative_to(root) for root in quiet)]


ENCODE = """
import os
os.environ["TMPDIR"] = "out"
from msfusion_sdk import SlideEncoder
encoder = SlideEncoder.from_pretrained(device="cpu")
encoder.encode({slide!r}).to_parquet("out/one.parquet")
"""


@pytest.mark.usefixtures("embedded_model")
def test_a_default_encode_asks_nobody_and_writes_its_result_alone(
    tiny_slide: Path, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    trace = traced(ENCODE.format(slide=str(tiny_slide)), home, tmp_path)
    assert trace.remote == []
    assert outside(trace, tmp_path / "out") == []
    assert (tmp_path / "out" / "one.parquet").is_file()


STUDY = """
import os, signal, threading, urllib.request
os.environ["TMPDIR"] = "out"
from msfusion_sdk import Cohort, SlideEncoder
from msfusion_sdk.report import write_report
from msfusion_sdk.study import train_on_cohort
from msfusion_sdk.testing import made_cohort, make_cohort
from msfusion_sdk.view import serve

made_cohort._SIZE = (2400, 1800)
made = make_cohort("out/made", n_patients=40, n_slides=2)
cohort = Cohort.create("out/cohort", patients=made.patients, slides=made.slides)
cohort.add_modality("clinical", made.clinical)
cohort.encode(SlideEncoder.from_pretrained(device="cpu"), patches=True)
train_on_cohort(cohort, "survival", "out/model", modalities=["clinical"])
write_report(["out/cohort", "out/model"], "out/report.html")

def look(address):
    def get():
        assert b"<html" in urllib.request.urlopen(address).read()
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=get).start()

try:
    serve("out/cohort", port=0, announce=look)
except KeyboardInterrupt:
    pass
"""


@pytest.mark.slow
@pytest.mark.process
def test_a_cohort_its_model_report_and_viewer_ask_nobody(home: Path, tmp_path: Path) -> None:
    for package in ("starlette", "uvicorn"):
        pytest.importorskip(package)
    (tmp_path / "out").mkdir()
    trace = traced(STUDY, home, tmp_path)
    assert trace.remote == []
    # matplotlib's list of fonts, in its own folders.
    fonts = [home / ".cache", home / ".config"]
    left = outside(trace, tmp_path / "out", *(folder / "matplotlib" for folder in fonts))
    assert [path for path in left if path not in fonts] == []
    assert (tmp_path / "out" / "report.html").is_file()


def test_the_tracer_sees_what_openvino_does_when_it_is_left_alone(
    home: Path, tmp_path: Path
) -> None:
    if importlib.util.find_spec("openvino_telemetry") is None:
        pytest.skip("OpenVINO's telemetry is not installed")
    trace = traced("import openvino", home, tmp_path)
    assert any(path.name == "openvino_ga_cid" for path in trace.made)


def test_a_caller_who_needs_openvinos_telemetry_package_still_finds_it() -> None:
    pytest.importorskip("openvino_telemetry")
    code = """
from msfusion_sdk.encoder.backends.quiet_openvino import import_openvino
import_openvino()
import openvino_telemetry
assert openvino_telemetry.Telemetry
from openvino.tools.ovc import telemetry_utils
assert "stub" in telemetry_utils.tm.__name__
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_openvino_that_was_imported_before_reports_nothing_more(home: Path, tmp_path: Path) -> None:
    code = """
import openvino
from msfusion_sdk.encoder.backends.quiet_openvino import import_openvino
import_openvino()
from openvino.tools.ovc import convert_impl, telemetry_utils
print(convert_impl.tm.__name__, telemetry_utils.tm.__name__)
"""
    env = {**os.environ, "HOME": str(home), "CI": "true"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["openvino.tools.ovc.telemetry_stub"] * 2
