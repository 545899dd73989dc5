"""The page: every slide with its status, as text whatever it holds."""

import re
from html.parser import HTMLParser
from pathlib import Path

from starlette.testclient import TestClient

from msfusion_sdk.view.app import STATIC

from .conftest import HOSTILE, REASON


class Seen(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


def test_every_slide_is_listed_with_status_and_reason(client: TestClient) -> None:
    seen = Seen(client.get("/").text)
    for word in ("good", "ok", "zero", "failed", REASON, "gone", "not encoded", HOSTILE):
        assert word in seen.words


def test_hostile_ids_are_text(client: TestClient) -> None:
    page = client.get("/").text
    assert Seen(page).tags.count("script") == page.count("<script defer src=") == 3
    assert "&lt;script&gt;alert(1)" in page


def test_no_folder_is_named(client: TestClient, cohort: Path) -> None:
    assert str(cohort.parent) not in client.get("/").text


def test_every_file_that_the_page_asks_for_is_there_and_ours(client: TestClient) -> None:
    asked = re.findall(r'(?:src|href)="([^#"]+)"', client.get("/").text)
    assert {f"static/{name}" for name in STATIC} == set(asked) - {"data:,"}
    for address in set(asked) - {"data:,"}:
        assert client.get(f"/{address}").status_code == 200


def test_openseadragon_ships_with_its_licence(client: TestClient) -> None:
    assert "//! openseadragon 6.1.1" in client.get("/static/openseadragon.js").text[:100]
    assert "OpenSeadragon contributors" in client.get("/static/openseadragon.txt").text
