"""The map of the house is true: what it names is there, and no room is missing from it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SDK = ROOT / "msfusion_sdk"
MAP = (ROOT / "docs" / "architecture.md").read_text("utf-8")
QUESTIONS = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PLACE = re.compile(r"`([\w./]+(?:/|\.py))`")
ROOMS = MAP.split("## Rooms")[1].split("## ")[0]


def rows(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield of each row of a table its first place, and all places after it."""
    for line in text.splitlines():
        places = PLACE.findall(line)
        if line.startswith("|") and places:
            yield places[0], places[1:]


def is_there(place: str, room: str = "") -> bool:
    starts = (SDK / room, ROOT / room, SDK, ROOT)
    return any((start / place).exists() for start in starts)


@pytest.mark.parametrize(
    ("room", "inside"), list(rows(ROOMS)), ids=lambda v: v if isinstance(v, str) else ""
)
def test_a_room_and_what_is_named_inside_are_there(room: str, inside: list[str]) -> None:
    assert is_there(room)
    assert [place for place in inside if not is_there(place, room)] == []


@pytest.mark.parametrize("place", PLACE.findall(MAP.split("## Rooms")[1].split("## ", 1)[1]))
def test_a_step_is_where_the_map_says(place: str) -> None:
    assert is_there(place)


@pytest.mark.parametrize("place", PLACE.findall(QUESTIONS.split("## Where would I")[1]))
def test_the_answers_to_newcomers_name_what_is_there(place: str) -> None:
    named = [first for first, _ in rows(QUESTIONS)]
    assert any(is_there(place, room) for room in ("", *named))


def test_every_room_is_on_the_map() -> None:
    folders = [path.parent.relative_to(SDK) for path in SDK.rglob("__init__.py")]
    top = {path.parts[0] for path in folders if path.parts}
    assert {f"{name}/" for name in top} - set(PLACE.findall(ROOMS)) == set()
    inner = {path for path in folders if len(path.parts) == 2}
    named = dict(rows(ROOMS))
    missing = [str(p) for p in inner if f"{p.parts[1]}/" not in named.get(f"{p.parts[0]}/", [])]
    assert missing == []
