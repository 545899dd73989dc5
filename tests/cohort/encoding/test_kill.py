"""Killed and run again, or encoded by two processes at once: a cohort ends the same.

``benchmarks/kill_and_resume.py`` compares with a calm run, as often as one likes.
"""

import os
import shutil
import signal
import time
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import pandas as pd
import pytest

from msfusion_sdk import Cohort

pytestmark = [pytest.mark.process, pytest.mark.posix]

# With a worker, which starts cold as users' do, both in a process group of their own.
ENCODE = """
import os
from msfusion_sdk import Cohort, SlideEncoder
os.setsid()
encoder = SlideEncoder.from_pretrained(model, device="cpu", precision="fp32")
Cohort.open(root).encode(encoder, workers=1)
"""


@pytest.fixture(scope="module")
def table(slide_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Eight slides: the two largest, four times over."""
    folder = tmp_path_factory.mktemp("eight")
    paths = [
        shutil.copy(path, folder / f"{number}{path.name}")
        for number in range(4)
        for path in sorted(slide_folder.glob("[ab].svs"))
    ]
    names = [path.stem for path in paths]
    return pd.DataFrame({"slide_id": names, "patient_id": names, "path": list(map(str, paths))})


def make(folder: Path, table: pd.DataFrame) -> Cohort:
    return Cohort.create(folder, patients=table[["patient_id"]], slides=table)


def start(cohort: Cohort, model: Path) -> BaseProcess:
    names = {"root": cohort.root, "model": model}
    process = get_context("forkserver").Process(target=exec, args=(ENCODE, names))
    process.start()
    return process


def ended(process: BaseProcess) -> int | None:
    process.join()
    return process.exitcode


def parts_of(cohort: Cohort) -> int:
    return len(list(cohort.root.glob("embeddings/*/slide=*.parquet")))


@pytest.fixture(scope="module")
def by_two(
    table: pd.DataFrame, small_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Cohort:
    """The cohort, encoded by two processes at the same time."""
    folder = tmp_path_factory.mktemp("two")
    cohort = make(folder / "two", table)
    processes = [start(cohort, small_model) for _ in range(2)]
    assert [ended(process) for process in processes] == [0, 0]
    return cohort


def exports(cohort: Cohort, folder: Path) -> list[bytes]:
    folder.mkdir()
    levels = ("slide", "patient")
    return [cohort.export(folder / level, level=level).path.read_bytes() for level in levels]


def test_killed_in_the_middle_and_resumed_the_export_is_byte_identical(
    by_two: Cohort, table: pd.DataFrame, small_model: Path, tmp_path: Path
) -> None:
    wild = make(tmp_path / "wild", table)
    process = start(wild, small_model)
    while parts_of(wild) < 4:
        assert process.is_alive()
        time.sleep(0.01)
    assert process.pid is not None
    os.killpg(process.pid, signal.SIGKILL)
    assert ended(process) == -signal.SIGKILL
    assert ended(start(wild, small_model)) == 0
    assert exports(wild, tmp_path / "one") == exports(by_two, tmp_path / "other")
    assert not list(wild.root.glob("embeddings/*/*.corrupt"))


def test_two_encoders_on_one_folder_do_no_harm(by_two: Cohort, table: pd.DataFrame) -> None:
    assert by_two.status().counts == {"ok_with_warnings": len(table)}
    assert parts_of(by_two) == len(table)
    assert not list(by_two.root.glob("ledger/*/claims/*"))
