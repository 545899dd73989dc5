"""Every fenced block of README and docs is run, every link leads somewhere.

``bash`` and ``python`` blocks run in a folder that holds a made slide ``case.svs``, a folder of
made tiles ``tiles``, made slides with outlines, ``outlined.csv`` and ``outlines``, and made slides
with a class each, ``slides.csv`` in ``lab``.  All share it, in order: a page goes on where it was.
``console`` blocks are for a clone of the repository: their targets are looked up in the Makefile.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from msfusion_sdk import errors
from msfusion_sdk.testing import make_slide

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
KNOWN = {"bash", "python", "console"}


def blocks(page: Path, *languages: str) -> list[tuple[str, str]]:
    found = FENCE.findall(page.read_text())
    return [(kind, dedent(text)) for _, kind, text in found if kind in languages]


BLOCKS = [
    pytest.param(kind, text, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, (kind, text) in enumerate(blocks(page, "bash", "python"), 1)
]


@pytest.fixture(scope="module")
def workplace(
    tmp_path_factory: pytest.TempPathFactory, tile_folder: Path, outlined_slides: Path
) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    make_slide(folder / "case.svs", 2400, 1800, coverage=0.6)
    (folder / "tiles").symlink_to(tile_folder)
    for path in outlined_slides.iterdir():
        # Other pages write a slides.csv of their own.
        name = "outlined.csv" if path.name == "slides.csv" else path.name
        (folder / name).symlink_to(path)
    (folder / "lab").mkdir()
    rows = ["slide_id,patient_id,path,diagnosis"]
    for number in range(10):
        name = f"lab-{number}"
        make_slide(folder / "lab" / f"{name}.svs", 1300, 1300, tissue="full", seed=number)
        rows.append(f"{name},patient-{number},{name}.svs,{('luad', 'lusc')[number % 2]}")
    (folder / "lab" / "slides.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.mark.usefixtures("embedded_model")
@pytest.mark.parametrize(("kind", "text"), BLOCKS)
def test_the_block_runs(kind: str, text: str, workplace: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # What a page shows is measured elsewhere; tracing these processes only costs time.
    plain = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    command = ["bash", "-euc", text] if kind == "bash" else [sys.executable, "-c", text]
    done = subprocess.run(
        command,
        cwd=workplace,
        env={**plain, "PATH": path},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_troubleshooting_says_what_to_do_about_every_code() -> None:
    kinds = [getattr(errors, name) for name in errors.__all__]
    codes = {k.__name__.removesuffix("Error") for k in kinds if issubclass(k, Exception)}
    table = (ROOT / "docs" / "troubleshooting.md").read_text().split("## Every code")[1]
    assert codes - {"Msfusion", "Slide"} <= set(re.findall(r"`(\w+)`", table))
