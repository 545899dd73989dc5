"""Every example runs as a user would run it, in an empty folder."""

import os
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from msfusion_sdk.adapter import ModalityAdapter
from msfusion_sdk.registry import GROUP

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))
PACKAGES = sorted(path.parent for path in FOLDER.glob("*/pyproject.toml"))


def run(*arguments: str, folder: Path) -> str:
    plain = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        env=plain, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.usefixtures("embedded_model")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_example_runs(example: Path, tmp_path: Path) -> None:
    assert run(str(example), folder=tmp_path).strip()


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_the_tests_of_an_example_package_pass(package: Path, tmp_path: Path) -> None:
    shutil.copytree(package, tmp_path / package.name)
    assert " passed" in run("-m", "pytest", "-q", folder=tmp_path / package.name)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_an_example_package_registers_an_adapter(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    monkeypatch.syspath_prepend(package)
    for name, value in project["entry-points"][GROUP].items():
        adapter = EntryPoint(name, value, GROUP).load()
        assert issubclass(adapter, ModalityAdapter)
        assert adapter.modality == name


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3
    assert PACKAGES
