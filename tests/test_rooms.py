"""The plan of the house holds: no circles, small rooms, short files, and names that never meet."""

import statistics
from collections import Counter

import pytest
import rooms

pytestmark = pytest.mark.slow

MOST_FILES, MOST_LINES, MEDIAN_LINES = 13, 300, 110
LONG = {"msfusion_sdk.errors"}  # the one file that tells every error

MODULES = rooms.read_modules()


@pytest.fixture(scope="module")
def imports() -> rooms.Graph:
    return rooms.read_imports()


def test_the_graph_knows_every_file(imports: rooms.Graph) -> None:
    assert set(imports) == set(MODULES)


def test_no_import_goes_in_a_circle(imports: rooms.Graph) -> None:
    assert rooms.circles(imports) == []


def test_rooms_import_each_other_one_way(imports: rooms.Graph) -> None:
    assert rooms.circles(rooms.between_rooms(imports, MODULES)) == []


def test_no_room_is_crowded() -> None:
    files = Counter(module.room for module in MODULES.values())
    assert {room for room, count in files.items() if count > MOST_FILES} == set()


def test_files_are_short() -> None:
    lines = {m.name: m.lines for m in MODULES.values() if not m.is_face}
    assert {name for name, count in lines.items() if count > MOST_LINES} <= LONG
    assert statistics.median(lines.values()) < MEDIAN_LINES


def test_two_modules_of_one_name_never_meet_in_a_file(imports: rooms.Graph) -> None:
    assert rooms.meetings(imports, MODULES) == {}


@pytest.mark.parametrize("module", MODULES.values(), ids=lambda module: module.name)
def test_the_first_line_of_a_file_is_a_sentence(module: rooms.Module) -> None:
    assert module.subject, "no docstring"
    assert module.subject[0].isupper() or module.subject[0] in "`0123456789"
    assert module.subject.endswith((".", "?"))
    assert len(module.subject.split()) > 2


def test_circles_are_found() -> None:
    graph = {"a": frozenset("b"), "b": frozenset("c"), "c": frozenset("a"), "d": frozenset("a")}
    assert rooms.circles(graph) == [["a", "b", "c"]]


def test_the_longest_chain_goes_from_the_top_down() -> None:
    graph = {"a": frozenset("bd"), "b": frozenset("c"), "c": frozenset("d"), "d": frozenset()}
    assert rooms.longest_chain(graph) == ["a", "b", "c", "d"]
