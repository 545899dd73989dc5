"""The site is built strictly and offline, and asks nothing of other hosts."""

import importlib.util
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from msfusion_sdk.cli.main import app

from .browsing import opened
from .patience import patient

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
LOADED = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)=[\"']?(https?:)?//")
STYLE = re.compile(r"url\([\"']?(?:https?:)?//|@import")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not all(map(importlib.util.find_spec, ("mkdocs", "material", "mkdocstrings"))):
        pytest.skip('the site needs pip install "msfusion-sdk[docs]"')
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir"]
    done = subprocess.run(
        [*command, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=patient(300),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    assert [page.name for page in pages if LOADED.search(page.read_text())] == []
    assert [sheet.name for sheet in site.rglob("*.css") if STYLE.search(sheet.read_text())] == []


def test_a_page_that_is_opened_as_a_file_searches(site: Path, chromium: "Browser") -> None:
    with opened(chromium, (site / "howto" / "slurm.html").as_uri()) as page:
        page.fill("input[name=query]", "tissue_recall")
        found = page.locator("a.md-search-result__link")
        found.first.wait_for(timeout=1000 * patient(20))
        links = [one.get_attribute("href") or "" for one in found.all()]
    assert any("troubleshooting.html" in link for link in links)


def test_no_page_has_what_makes_the_theme_load_a_script(site: Path) -> None:
    # Material fetches mermaid for diagrams and a polyfill for browsers of before 2020.
    assert [p.name for p in site.rglob("*.html") if 'class="mermaid"' in p.read_text()] == []


def test_no_page_holds_a_path_of_the_machine_that_built_it(site: Path) -> None:
    assert [p.name for p in site.rglob("*.html") if str(ROOT) in p.read_text()] == []


def test_no_page_shows_the_markup_of_docstrings(site: Path) -> None:
    role = re.compile(r":(attr|class|func|meth|mod):<")
    assert [page.name for page in site.rglob("*.html") if role.search(page.read_text())] == []


def test_the_picture_of_the_rooms_is_that_of_the_contract() -> None:
    draw = runpy.run_path(str(ROOT / "docs" / "draw_rooms.py"))["draw"]
    assert (ROOT / "docs" / "img" / "rooms.svg").read_text("utf-8") == draw()


def commands(*words: str) -> list[tuple[str, ...]]:
    """Return a command and all below it, as its help lists them."""
    text = helped(*words)
    below = re.search(r"─ Commands ─.*", text, re.DOTALL)
    names = re.findall(r"^│ ([a-z][a-z-]*) ", below[0], re.MULTILINE) if below else []
    return [words, *(deeper for name in names for deeper in commands(*words, name))]


def helped(*words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert done.exit_code == 0
    return done.output


def test_the_reference_has_every_command_and_option_that_help_shows(site: Path) -> None:
    page = (site / "cli-reference.html").read_text()
    sections = dict(re.findall(r"<h2 [^>]*><code>msfusion ?(.*?)</code>(.*?)(?=<h2|$)", page, re.S))
    found = commands()
    assert {" ".join(words) for words in found} == set(sections)
    assert len(found) > 15
    for words in found:
        options = set(re.findall(r"--[a-z][a-z-]+", helped(*words).split("─ Options ─")[1]))
        shown = set(re.findall(r"--[a-z][a-z-]+", sections[" ".join(words)]))
        assert options - {"--help"} <= shown, words
