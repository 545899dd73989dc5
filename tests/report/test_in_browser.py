"""The report in a real browser: nothing to complain of, readable by all, at two widths."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from msfusion_sdk import Cohort
from msfusion_sdk.report.write import write_report

from ..browsing import SIZES, barriers, is_too_wide, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def address(planted: Cohort, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(planted.root, tmp_path_factory.mktemp("page") / "r.html").as_uri()


@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_no_barrier(chromium: "Browser", address: str, size: str) -> None:
    with opened(chromium, address, size) as page:
        assert barriers(page) == []
        assert not is_too_wide(page)


def test_the_first_screen_says_what_failed(chromium: "Browser", address: str) -> None:
    with opened(chromium, address) as page:
        lowest = page.locator("#chapter-1-failure-table").bounding_box()
        assert lowest is not None
        assert lowest["y"] < SIZES["desktop"][1] / 2
        said = page.get_by_text("3 of 7 slides have a vector.").bounding_box()
        assert said is not None
        assert said["y"] < 200


def test_a_table_is_sorted_by_keyboard(chromium: "Browser", address: str) -> None:
    with opened(chromium, address) as page:
        cells = page.locator("#chapter-1-failure-table tbody tr > :first-child")
        page.locator("#chapter-1-failure-table thead [role=button]").first.focus()
        page.keyboard.press("Enter")
        up = cells.all_inner_texts()
        page.keyboard.press("Enter")
        assert cells.all_inner_texts() == up[::-1]
        assert sorted(up) == sorted(["gone", "zero", "blank", "<script>alert(1)</script>"])


def test_every_picture_is_there_and_described(chromium: "Browser", address: str) -> None:
    with opened(chromium, address) as page:
        for picture in page.locator("img").all():
            picture.scroll_into_view_if_needed()
            assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
            assert len(picture.get_attribute("alt") or "") > 10
        assert page.locator("img").count() > 0


def test_it_prints_all_pages(chromium: "Browser", address: str, tmp_path: Path) -> None:
    with opened(chromium, address) as page:
        assert page.pdf(path=tmp_path / "r.pdf").startswith(b"%PDF")
