"""Every command and option that a message or a page names is there, in the command it names."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

import msfusion_sdk
from msfusion_sdk.cli.main import app

pytestmark = pytest.mark.slow

SDK = Path(msfusion_sdk.__file__).parent
PAGES = [
    *(SDK.parent / name for name in ("README.md", "recipes/README.md")),
    *sorted((SDK.parent / "docs").rglob("*.md")),
]
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+[a-z]\b")
CALL = re.compile(r"\bmsfusion ((?:[a-z][\w-]*\b ?)+)")
ARGUMENT = re.compile(r"(?<![\w.-])([a-z][a-z_0-9]+)=(?=[ ,.;:)]|$)")
SPAN = re.compile(r"`([^`\n]+)`")
FOREIGN = {"pip", "uv", "conda", "srun", "docker", "apptainer", "python", "#SBATCH", "ray", "make"}


def commands(group: Any, name: str = "") -> dict[str, set[str]]:
    """The options of each command, by its words."""
    named = [*(option for p in group.params for option in (*p.opts, *p.secondary_opts))]
    found = {name.strip(): set(named)}
    for word, command in getattr(group, "commands", {}).items():
        found |= commands(command, f"{name} {word}")
    return found


COMMANDS = commands(typer.main.get_command(app))
GROUPS = {name.rpartition(" ")[0] for name in COMMANDS if " " in name}
EVERYWHERE = COMMANDS[""] | {"--help", "-h"}
PROSE = {"and", "or"}
SCHEDULER = {"--array", "--signal"}
# Of programs that a span need not name: in install.md and among the recipes.
BUILDERS = {"--build-arg", "--cores", "--gpus", "--nv", "--shm-size", "--torch-backend"}
SCRIPTS = [
    p
    for name in ("benchmarks", "tools", ".ci", "tests/faults")
    for p in (SDK.parent / name).iterdir()
]
OTHERS = {flag for one in SCRIPTS if one.is_file() for flag in FLAG.findall(one.read_text("utf-8"))}
OPTIONS = set().union(*COMMANDS.values()) | EVERYWHERE


def wrong(text: str, others: frozenset[str] = frozenset()) -> list[str]:
    """The commands and options in a line of advice that are not there.

    ``others`` are options of other programs, which may stand where no command is named.
    """
    problems = []
    owner = None
    for call in CALL.finditer(text):
        words = call[1].split()
        known = next((n for n in range(len(words), 0, -1) if " ".join(words[:n]) in COMMANDS), 0)
        if known:
            owner = " ".join(words[:known])
            if owner in GROUPS and words[known:] and words[known] not in PROSE:
                problems.append(f"msfusion {owner} {words[known]}")
        elif f"`msfusion {words[0]}" in text:
            problems.append(f"msfusion {words[0]}")
    for flag in FLAG.findall(text):
        allowed = OPTIONS | others if owner is None else COMMANDS[owner] | EVERYWHERE
        if flag not in allowed:
            problems.append(f"{flag} of {owner}" if owner else flag)
    return problems


def strings_of(path: Path) -> list[tuple[int, str]]:
    """The texts of a module, pieces of one message joined; what is filled in is a gap."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = [p.value if isinstance(p, ast.Constant) else "X" for p in node.values]
            found.append((node.lineno, "".join(map(str, parts))))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append((node.lineno, node.value))
    return found


@pytest.mark.parametrize(
    "text",
    ["Pass --no-such.", "`msfusion cohort status --workers 2`", "msfusion cohort outcome tell"],
)
def test_advice_that_is_wrong_is_seen(text: str) -> None:
    assert wrong(text)


def test_messages_name_what_is_there() -> None:
    found = [
        f"{path.relative_to(SDK)}:{line}: {problem}"
        for path in sorted(SDK.rglob("*.py"))
        for line, text in strings_of(path)
        if not FOREIGN & set(text.split())
        for sentence in re.split(r"(?<=[.;:]) ", text)
        for problem in wrong(sentence, frozenset(SCHEDULER))
    ]
    assert found == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_what_is_there(page: Path) -> None:
    text = page.read_text("utf-8").replace("\\\n", " ")
    # A span of code, or a line of a block of commands: what a reader would type.
    typed = [*SPAN.findall(text), *re.findall(r"^\s*(msfusion .*)$", text, re.M)]
    others = frozenset(OTHERS | SCHEDULER | BUILDERS)
    assert [p for one in typed if not FOREIGN & set(one.split()) for p in wrong(one, others)] == []


def parameters_of(path: Path) -> set[str]:
    """The names of parameters and of fields in a module."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


def unknown_arguments(text: str, known: set[str]) -> list[str]:
    return [name for name in ARGUMENT.findall(text) if name not in known]


def test_an_argument_that_is_not_there_is_seen() -> None:
    assert unknown_arguments("Pass no_such= or mpp=.", {"mpp"}) == ["no_such"]


def test_messages_name_arguments_that_are_there() -> None:
    modules = [*sorted(SDK.rglob("*.py")), *sorted((SDK.parent / "adapters").rglob("*.py"))]
    known = set().union(*map(parameters_of, modules))
    found = [
        f"{path.name}:{line}: {name}"
        for path in modules
        for line, text in strings_of(path)
        for name in unknown_arguments(text, known)
    ]
    assert found == []
