"""The blocks of every page of README and docs run in order, every link leads somewhere.

``bash`` and ``python`` blocks of a page run in a folder of its own, which holds what ``NEEDS``
names: see ``docs_state.py``.  ``console`` blocks are for a clone of the repository: their targets
are looked up in the Makefile.  ``shell`` blocks need a network, a daemon or a cluster: what they
name is looked up by ``test_getting_it.py``.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count, groupby
from operator import itemgetter
from pathlib import Path
from textwrap import dedent

import pytest

from msfusion_sdk import errors

from .coarse import coarse_networks
from .docs_state import STATES
from .patience import patient
from .warm import WarmServer

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "recipes/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
KNOWN = {"bash", "python", "console", "shell"}
NEEDS = {
    "cbioportal": ["portal"],
    "anndata": ["cohort"],
    "classify-slides": ["lab"],
    "cli": ["results"],
    "deployment": ["deployed"],
    "own-annotations": ["outlined"],
    "networks": ["case", "tiles"],
    "parquet": ["cohort"],
    "pretraining": ["outlined", "tiles"],
    "real-tissue": ["tissue"],
    "report": ["cohort", "study"],
    "scale": ["cohort"],
    "slurm": ["cohort"],
    "validate": ["external"],
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
            with pytest.MonkeyPatch.context() as patch:
                coarse_networks(patch)
                STATES[state](folder)
        return folder

    return folder_of


def commands(page: Path, scratch: Path) -> Iterator[list[str]]:
    """Return what runs the blocks of a page, in order.

    Blocks of Python that follow each other share an interpreter and no names.
    """
    numbers = count(1)
    for kind, following in groupby(blocks(page, "bash", "python"), key=itemgetter(0)):
        texts = [text for _, text in following]
        if kind == "bash":
            yield from (["bash", "-euxc", text] for text in texts)
        else:
            files = [str(scratch / f"block-{next(numbers)}.py") for _ in texts]
            for file, text in zip(files, texts, strict=True):
                Path(file).write_text(text, "utf-8")
            yield ["warm-python", *files]


def run(command: list[str], folder: Path, server: WarmServer) -> None:
    places = (str(server.bin), str(Path(sys.executable).parent), os.environ["PATH"])
    path = os.pathsep.join(places)
    # What a page shows is measured elsewhere; tracing these processes only costs time.
    plain = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    done = subprocess.run(
        [shutil.which(command[0], path=path) or command[0], *command[1:]],
        cwd=folder,
        env={**plain, "PATH": path},
        capture_output=True,
        text=True,
        timeout=patient(300),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.process
@pytest.mark.usefixtures("embedded_model")
@pytest.mark.parametrize("page", RUNNING, ids=name_of)
def test_the_blocks_of_a_page_run_in_order(
    page: Path, made: Callable[[str], Path], warm: WarmServer, tmp_path: Path
) -> None:
    scratch = tmp_path / "blocks"
    scratch.mkdir()
    for state in NEEDS.get(page.stem, ["case"]):
        shutil.copytree(made(state), tmp_path / "page", dirs_exist_ok=True)
    for command in commands(page, scratch):
        run(command, tmp_path / "page", warm)


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
    codes = {k.__name__.removesuffix("Error") for k in kinds if issubclass(k, errors.MsfusionError)}
    table = (ROOT / "docs" / "troubleshooting.md").read_text().split("## Every code")[1]
    assert codes - {"Msfusion", "Slide"} <= set(re.findall(r"`(\w+)`", table))
