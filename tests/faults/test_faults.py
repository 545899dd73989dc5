"""A sample of the faults that ``run.py`` tries; ``run.py --long`` tries all of them."""

import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).with_name("run.py")

pytestmark = [pytest.mark.slow, pytest.mark.process, pytest.mark.posix]


def run(*arguments: str) -> str:
    command = [sys.executable, str(RUN), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.stdout.startswith("skipped"):
        pytest.skip(done.stdout)
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def test_the_harness_finds_a_careless_writer() -> None:
    assert "different on reading" in run("--self-test")


def test_a_sample_of_all_faults_does_no_harm() -> None:
    assert "in all: good" in run()
