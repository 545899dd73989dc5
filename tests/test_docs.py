"""The blocks of every page of README and docs run in order, every link leads somewhere.

``bash`` and ``python`` blocks of a page run in a folder of its own, which holds what ``NEEDS``
names: see ``docs_state.py``.  ``console`` blocks are for a clone of the repository: their targets
are looked up in the Makefile.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from textwrap import dedent

import pytest

from msfusion_sdk import errors

from .docs_state import STATES
from .patience import patient

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
KNOWN = {"bash", "python", "console"}
NEEDS = {
    "classify-slides": ["lab"],
    "cli": ["results"],
    "own-annotations": ["outlined"],
    "parquet": ["cohort"],
    "pretraining": ["outlined", "tiles"],
    "report": ["cohort", "study"],
    "slurm": ["cohort"],
}
"""What a page finds beside it, where that is more than ``case.svs``."""


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT).with_suffix(""))


def blocks(page: Path, *languages: str) -> list[tuple[str, str]]:
    found = FENCE.findall(page.read_text("utf-8"))
    return [(kind, dedent(text)) for _, kind, text in found if kind in languages]


RUNNING = [page for page in PAGES if blocks(page, "bash", "python")]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, few_tiles: Path) -> Callable[[str], Path]:
    """Return the folder of a state, made when it is first asked for."""

    @cache
    def folder_of(state: str) -> Path:
        folder = tmp_path_factory.mktemp(state)
        if state == "tiles":
            shutil.copytree(few_tiles, folder / "tiles")
        else:
            STATES[state](folder)
        return folder

    return folder_of


def run(kind: str, text: str, folder: Path) -> str:
    """Run a block; return what is to be said if it failed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # What a page shows is measured elsewhere; tracing these processes only costs time.
    plain = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    command = ["bash", "-euc", text] if kind == "bash" else [sys.executable, "-c", text]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**plain, "PATH": path},
        capture_output=True,
        text=True,
        timeout=patient(300),
        check=False,
    )
    return f"{text}\n{done.stdout}\n{done.stderr}" if done.returncode else ""


@pytest.mark.process
@pytest.mark.usefixtures("embedded_model")
@pytest.mark.parametrize("page", RUNNING, ids=name_of)
def test_the_blocks_of_a_page_run_in_order(
    page: Path, made: Callable[[str], Path], tmp_path: Path
) -> None:
    for state in NEEDS.get(page.stem, ["case"]):
        shutil.copytree(made(state), tmp_path, dirs_exist_ok=True)
    for kind, text in blocks(page, "bash", "python"):
        failure = run(kind, text, tmp_path)
        assert not failure, failure


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_fence_names_a_language_that_is_tested(page: Path) -> None:
    text = page.read_text()
    fences = re.findall(r"^ *```(\w*)$", text, re.MULTILINE)
    assert set(fences[::2]) <= KNOWN
    assert set(fences[1::2]) <= {""}


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = [
        line for p in PAGES for _, text in blocks(p, "console") for line in text.splitlines()
    ]
    assert targets
    for line in targets:
        words = line.split()
        assert words[0] == "make"
        assert re.search(rf"^{words[1]}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_troubleshooting_says_what_to_do_about_every_code() -> None:
    kinds = [getattr(errors, name) for name in errors.__all__]
    codes = {k.__name__.removesuffix("Error") for k in kinds if issubclass(k, Exception)}
    table = (ROOT / "docs" / "troubleshooting.md").read_text().split("## Every code")[1]
    assert codes - {"Msfusion", "Slide"} <= set(re.findall(r"`(\w+)`", table))
