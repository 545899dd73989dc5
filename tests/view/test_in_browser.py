"""The viewer in a real browser: slides load, zoom, carry their attention, and answer to keys."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..browsing import SIZES, barriers, is_too_wide, opened
from .conftest import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def address(chromium: "Browser", cohort: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "msfusion_sdk.cli", "view", str(cohort), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout
        yield run.stdout.readline().split()[0]
        run.terminate()


def wait_for_slide(page: "Page") -> None:
    """Wait until the first slide is open and every tile of it that is asked for is drawn."""
    page.wait_for_function(
        "viewer.isOpen() && viewer.world.getItemAt(0).getFullyLoaded() && overlay.patches"
    )


def painted(page: "Page", canvas: str) -> int:
    """Return how many pixels of a canvas are not clear."""
    count: int = page.evaluate(
        """id => { const c = document.getElementById(id);
        const p = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
        let n = 0; for (let i = 3; i < p.length; i += 4) n += p[i] > 0; return n; }""",
        canvas,
    )
    return count


@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_no_barrier(chromium: "Browser", address: str, size: str) -> None:
    with opened(chromium, address, size) as page:
        wait_for_slide(page)
        assert barriers(page) == []
        assert not is_too_wide(page)


def test_a_slide_is_drawn_and_zoomed_by_keys(chromium: "Browser", address: str) -> None:
    with opened(chromium, address) as page:
        wait_for_slide(page)
        before = page.evaluate("viewer.viewport.getZoom()")
        for _ in range(3):
            page.keyboard.press("+")
        page.wait_for_function(f"viewer.viewport.getZoom() > {before * 2.5}")
        page.wait_for_function("viewer.world.getItemAt(0).getFullyLoaded()")
        page.keyboard.press("0")
        page.wait_for_function(f"viewer.viewport.getZoom() < {before * 1.1}")


def test_the_heatmap_goes_on_and_off(chromium: "Browser", address: str) -> None:
    with opened(chromium, address) as page:
        wait_for_slide(page)
        assert painted(page, "heat") > 100
        page.keyboard.press("h")
        assert painted(page, "heat") == 0
        assert not page.locator("#legend").is_visible()
        page.get_by_label("Heatmap").check()
        assert painted(page, "heat") > 100


def test_a_patch_under_the_pointer_is_read_out(chromium: "Browser", address: str) -> None:
    with opened(chromium, address) as page:
        wait_for_slide(page)
        page.keyboard.press("0")
        spot = page.evaluate(
            """() => { const place = placeOf(), box = at("zoom").getBoundingClientRect();
            return [box.left + place.x + (overlay.patches.x[0] + 20) * place.scale,
                    box.top + place.y + (overlay.patches.y[0] + 20) * place.scale]; }"""
        )
        page.mouse.move(*spot)
        page.wait_for_function("document.getElementById('readout').textContent.includes('weight')")


@pytest.mark.parametrize("name", ["good", HOSTILE])
def test_the_whole_slide_is_seen_also_above_a_note(
    chromium: "Browser", address: str, name: str
) -> None:
    with opened(chromium, address) as page:
        page.get_by_role("link", name=name).click()
        page.locator("#readout").filter(has_text=f"{name}, ").wait_for()
        page.wait_for_function("viewer.isOpen() && overlay.data")
        # The stage gets its size a moment after the note.
        page.wait_for_function(
            """() => { const place = placeOf(), { width, height } = shown.info;
            const edges = [place.x, place.y, at("zoom").clientWidth - place.x - width * place.scale,
                    at("zoom").clientHeight - place.y - height * place.scale];
            return Math.min(...edges) > -1; }"""
        )


def test_a_slide_that_cannot_be_shown_says_why(chromium: "Browser", address: str) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(address)
    page.get_by_role("link", name="gone").click()
    page.locator("#message").filter(has_text="does not exist").wait_for()
    context.close()
