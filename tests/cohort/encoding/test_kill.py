"""Killed and run again, or encoded by two processes at once: a cohort ends the same.

``benchmarks/kill_and_resume.py`` compares with a calm run, as often as one likes.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from msfusion_sdk import Cohort

pytestmark = [pytest.mark.process, pytest.mark.posix]

ENCODE = """
import sys
from msfusion_sdk import Cohort, SlideEncoder
if __name__ == "__main__":
    encoder = SlideEncoder.from_pretrained(sys.argv[2], device="cpu", precision="fp32")
    Cohort.open(sys.argv[1]).encode(encoder, workers=1)
"""


@pytest.fixture(scope="module")
def table(slide_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Eight slides: the two smallest, four times over."""
    folder = tmp_path_factory.mktemp("eight")
    paths = [
        shutil.copy(path, folder / f"{number}{path.name}")
        for number in range(4)
        for path in sorted(slide_folder.glob("[cd].svs"))
    ]
    names = [path.stem for path in paths]
    return pd.DataFrame({"slide_id": names, "patient_id": names, "path": list(map(str, paths))})


def make(folder: Path, table: pd.DataFrame) -> Cohort:
    return Cohort.create(folder, patients=table[["patient_id"]], slides=table)


def start(cohort: Cohort, model: Path, folder: Path) -> subprocess.Popen[bytes]:
    script = folder / "encode.py"
    script.write_text(ENCODE)
    command = [sys.executable, script, cohort.root, model]
    # Tracing these processes only costs time: what they run is covered elsewhere.
    plain = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    return subprocess.Popen(command, start_new_session=True, env=plain)


def parts_of(cohort: Cohort) -> int:
    return len(list(cohort.root.glob("embeddings/*/slide=*.parquet")))


@pytest.fixture(scope="module")
def by_two(
    table: pd.DataFrame, small_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Cohort:
    """The cohort, encoded by two processes at the same time."""
    folder = tmp_path_factory.mktemp("two")
    cohort = make(folder / "two", table)
    processes = [start(cohort, small_model, folder) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    return cohort


def exports(cohort: Cohort, folder: Path) -> list[bytes]:
    folder.mkdir()
    levels = ("slide", "patient")
    return [cohort.export(folder / level, level=level).path.read_bytes() for level in levels]


def test_killed_in_the_middle_and_resumed_the_export_is_byte_identical(
    by_two: Cohort, table: pd.DataFrame, small_model: Path, tmp_path: Path
) -> None:
    wild = make(tmp_path / "wild", table)
    process = start(wild, small_model, tmp_path)
    while parts_of(wild) < 4:
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert start(wild, small_model, tmp_path).wait() == 0
    assert exports(wild, tmp_path / "one") == exports(by_two, tmp_path / "other")
    assert not list(wild.root.glob("embeddings/*/*.corrupt"))


def test_two_encoders_on_one_folder_do_no_harm(by_two: Cohort, table: pd.DataFrame) -> None:
    assert by_two.status().counts == {"ok_with_warnings": len(table)}
    assert parts_of(by_two) == len(table)
    assert not list(by_two.root.glob("ledger/*/claims/*"))
