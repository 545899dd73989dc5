"""Every example runs as a user would run it, in an empty folder."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from msfusion_sdk.adapter import ModalityAdapter
from msfusion_sdk.encoder import FeatureNetwork
from msfusion_sdk.registry import GROUP

from .patience import patient
from .warm import WarmServer

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PACKAGES = sorted(path.parent for path in FOLDER.glob("*/pyproject.toml"))


def run(*command: object, folder: Path) -> str:
    plain = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**plain, "MPLBACKEND": "agg", "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=patient(300),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.process
@pytest.mark.usefixtures("embedded_model")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_example_runs(example: Path, tmp_path: Path, warm: WarmServer) -> None:
    assert run(warm.bin / "warm-python", example, folder=tmp_path).strip()


@pytest.mark.process
@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_the_tests_of_an_example_package_pass(package: Path, tmp_path: Path) -> None:
    shutil.copytree(package, tmp_path / package.name)
    done = run(sys.executable, "-m", "pytest", "-q", folder=tmp_path / package.name)
    assert " passed" in done


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_an_example_package_registers_what_it_brings(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    monkeypatch.syspath_prepend(package)
    (group, entries), *others = project["entry-points"].items()
    assert not others
    for name, value in entries.items():
        found = EntryPoint(name, value, group).load()
        if group == GROUP:
            assert issubclass(found, ModalityAdapter)
            assert found.modality == name
        else:
            assert group == "msfusion_sdk.networks"
            assert issubclass(found, FeatureNetwork)
            assert found().facts.name == name


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.process
@pytest.mark.usefixtures("embedded_model")
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_the_cells_of_a_notebook_run_in_order(
    notebook: Path, tmp_path: Path, warm: WarmServer
) -> None:
    script = tmp_path / "cells.py"
    script.write_text("\n\n".join("".join(cell["source"]) for cell in code_cells(notebook)))
    run(warm.bin / "warm-python", script, folder=tmp_path)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_kept_without_outputs(notebook: Path) -> None:
    cells = code_cells(notebook)
    assert [cell for cell in cells if cell["outputs"] or cell["execution_count"]] == []


def test_the_examples_are_numbered_and_one_is_a_notebook() -> None:
    numbers = sorted(path.name[:2] for path in (*EXAMPLES, *PACKAGES))
    assert numbers == ["01", "02", "03", "04", "05", "06", "07"]
    assert NOTEBOOKS
