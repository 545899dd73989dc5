"""What tests of pages ask of a browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from .patience import patient

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


@contextmanager
def opened(browser: "Browser", address: str, size: str = "desktop") -> Iterator["Page"]:
    """Yield a page; at its end, nothing it complained of and nothing from another host."""
    width, height = SIZES[size]
    # The policies of our pages forbid scripts from elsewhere, the checker's among them.
    context = browser.new_context(
        viewport={"width": width, "height": height}, bypass_csp=True, service_workers="block"
    )
    context.set_default_timeout(1000 * patient(120))  # milliseconds
    page, complaints, asked = context.new_page(), list[str](), list[str]()
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    try:
        yield page
    finally:
        context.close()
    origin = address.split("/")[2]
    assert complaints == []
    assert [
        url for url in asked if url.split(":")[0] != "data" and url.split("/")[2] != origin
    ] == []


def barriers(page: "Page") -> list[tuple[str, int, str]]:
    """Return rule, number of elements and the first of them, of all that axe-core finds."""
    checker = pytest.importorskip("axe_playwright_python.sync_playwright")
    found: dict[str, Any] = checker.Axe().run(page).response
    return [(one["id"], len(one["nodes"]), one["nodes"][0]["html"]) for one in found["violations"]]


def is_too_wide(page: "Page") -> bool:
    """Return whether the page scrolls sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))
