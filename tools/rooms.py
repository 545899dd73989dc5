"""Print the plan of the house: files and lines of each room, import depth, circles, namesakes.

    python tools/rooms.py [--json OUT]

A room is a folder of modules.  Imports are those that import-linter sees, inside functions and for
type checking included.  ``tests/test_rooms.py`` holds the limits.
"""

import argparse
import ast
import json
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from importlib.util import find_spec
from pathlib import Path

import grimp
import numpy as np
from scipy.sparse.csgraph import connected_components

PACKAGES = ("msfusion_sdk", "msfusion_adapters")

Graph = Mapping[str, frozenset[str]]
"""From a module, or a room, to those that it imports."""


@dataclass(frozen=True)
class Module:
    """A file of Python."""

    name: str
    """Dotted; that of its folder for ``__init__.py``."""
    path: Path
    lines: int
    subject: str
    """The first line of its docstring."""

    @property
    def is_face(self) -> bool:
        """Whether it is the ``__init__.py`` of a room."""
        return self.path.name == "__init__.py"

    @property
    def room(self) -> str:
        """The dotted name of its folder."""
        return self.name if self.is_face else self.name.rpartition(".")[0]

    @property
    def word(self) -> str:
        """The name that stands in an import."""
        return self.name.rpartition(".")[2]


def read_modules(packages: Iterable[str] = PACKAGES) -> dict[str, Module]:
    """Return every module of the packages by its dotted name."""
    return {
        module.name: module
        for package in packages
        for path in sorted(_folder_of(package).rglob("*.py"))
        for module in [_read(package, path)]
    }


def _folder_of(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        sys.exit(f"{package} cannot be imported. Install it: pip install -e .")
    return Path(spec.submodule_search_locations[0])


def _read(package: str, path: Path) -> Module:
    inner = path.relative_to(_folder_of(package)).with_suffix("").parts
    name = ".".join((package, *(part for part in inner if part != "__init__")))
    text = path.read_text("utf-8")
    subject = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
    return Module(name, path, len(text.splitlines()), subject)


def read_imports(packages: Iterable[str] = PACKAGES) -> Graph:
    """Return what each module imports, of these packages."""
    first, *others = packages
    graph = grimp.build_graph(first, *others, cache_dir=None)
    return {
        name: frozenset(graph.find_modules_directly_imported_by(name)) for name in graph.modules
    }


def between_rooms(imports: Graph, modules: Mapping[str, Module]) -> Graph:
    """Return what each room imports of other rooms."""
    rooms: dict[str, set[str]] = defaultdict(set)
    for name, imported in imports.items():
        room = modules[name].room
        rooms[room] |= {modules[other].room for other in imported} - {room}
    return {room: frozenset(others) for room, others in rooms.items()}


def circles(graph: Graph) -> list[list[str]]:
    """Return the groups in which each imports each other one, at last; largest first."""
    names = sorted(graph)
    place = {name: number for number, name in enumerate(names)}
    matrix = np.zeros((len(names), len(names)), bool)
    for name, others in graph.items():
        matrix[place[name], [place[other] for other in others]] = True
    _, labels = connected_components(matrix, connection="strong")
    groups = [[names[i] for i in np.flatnonzero(labels == label)] for label in np.unique(labels)]
    return sorted((group for group in groups if len(group) > 1), key=len, reverse=True)


def longest_chain(graph: Graph) -> list[str]:
    """Return the longest chain of imports of a graph without circles, from the top down."""
    below: dict[str, list[str]] = {}
    for name in TopologicalSorter(graph).static_order():
        chains = (below[other] for other in sorted(graph[name]))
        below[name] = [name, *max(chains, key=len, default=[])]
    return max(below.values(), key=len)


def namesakes(modules: Iterable[Module]) -> dict[str, list[str]]:
    """Return the words that name more than one file, with the modules that bear them."""
    bearers = defaultdict(list)
    for module in modules:
        if not module.is_face:
            bearers[module.word].append(module.name)
    return {word: names for word, names in sorted(bearers.items()) if len(names) > 1}


def meetings(imports: Graph, modules: Mapping[str, Module]) -> dict[str, list[list[str]]]:
    """Return the modules that import two of one name, with those two."""
    found = {}
    for name, imported in imports.items():
        pairs = list(namesakes(modules[other] for other in sorted(imported)).values())
        if pairs:
            found[name] = pairs
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path, help="write the same numbers to a file")
    arguments = parser.parse_args()
    modules, imports = read_modules(), read_imports()
    rooms = between_rooms(imports, modules)
    files = Counter(module.room for module in modules.values())
    lines = [module.lines for module in modules.values() if not module.is_face]
    for room, count in sorted(files.items()):
        total = sum(module.lines for module in modules.values() if module.room == room)
        print(f"{count:4} files {total:6} lines  {room}")
    facts = {
        "files": len(modules),
        "rooms": len(files),
        "fullest room": max(files.values()),
        "lines per file, median": statistics.median(lines),
        "lines per file, most": max(lines),
        "circles between modules": circles(imports),
        "circles between rooms": circles(rooms),
        "import depth": 0 if circles(imports) else len(longest_chain(imports)),
        "names used twice": {
            word: len(names) for word, names in namesakes(modules.values()).items()
        },
        "files that import two of one name": meetings(imports, modules),
    }
    for name, value in facts.items():
        print(f"{name}: {value if value else 'none'}")
    if arguments.json:
        arguments.json.write_text(json.dumps({**facts, "files per room": files}, indent=2) + "\n")


if __name__ == "__main__":
    main()
