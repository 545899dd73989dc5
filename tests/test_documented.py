"""What the reference pages show is documented: every name, and every parameter where there are two.

The pages themselves say what is public: each line ``::: name`` in ``docs/api``.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name

import pytest

import msfusion_sdk

PAGES = sorted((Path(__file__).parents[1] / "docs" / "api").glob("*.md"))
SHOWN = [name for page in PAGES for name in re.findall(r"^::: (\S+)", page.read_text(), re.M)]
SECTION = re.compile(r"^Parameters\n-+\n(.*?)(?=^[A-Z]\w+\n-+$|\Z)", re.M | re.S)


def public(name: str) -> Iterator[tuple[str, object]]:
    """Yield what a line of a page shows: an object, or all that a module lists."""
    value = resolve_name(name)
    if inspect.ismodule(value):
        if value.__name__ != "msfusion_sdk.errors":  # tests/test_public_surface.py has a look
            yield from ((f"{name}.{item}", getattr(value, item)) for item in value.__all__)
    else:
        yield name, value


def own_methods(name: str, cls: type) -> Iterator[tuple[str, Callable[..., object]]]:
    ours = [each for each in cls.__mro__ if each.__module__.startswith("msfusion_")]
    for item, value in ((item, value) for each in ours for item, value in vars(each).items()):
        function = getattr(value, "__func__", value)
        is_ours = not item.startswith(("_", "test_", "model_"))  # a test's name is its sentence
        if is_ours and inspect.isfunction(function):
            yield f"{name}.{item}", function


OBJECTS = [pair for name in SHOWN for pair in public(name)]
CLASSES = [(name, value) for name, value in OBJECTS if inspect.isclass(value)]
FUNCTIONS = [(name, value) for name, value in OBJECTS if inspect.isfunction(value)] + [
    pair for name, cls in CLASSES for pair in own_methods(name, cls)
]


def names(pairs: list[tuple[str, object]]) -> list[str]:
    return [name.removeprefix("msfusion_sdk.") for name, _ in pairs]


def described(function: object) -> set[str]:
    """Return the parameters that the NumPy section names: ``time, event : shape (patient,)``."""
    section = SECTION.search(inspect.getdoc(function) or "")
    heads = re.findall(r"^(\S.*)$", section[1], re.M) if section else []
    return {word.strip("* ") for head in heads for word in head.split(" :")[0].split(",")}


@pytest.mark.parametrize(("name", "value"), CLASSES + FUNCTIONS, ids=names(CLASSES + FUNCTIONS))
def test_the_name_has_a_docstring(name: str, value: object) -> None:
    assert inspect.getdoc(value), name


@pytest.mark.parametrize(("name", "function"), FUNCTIONS, ids=names(FUNCTIONS))
def test_two_or_more_parameters_are_each_described(
    name: str, function: Callable[..., object]
) -> None:
    taken = [p for p in inspect.signature(function).parameters if p not in ("self", "cls")]
    if len(taken) > 1:
        assert set(taken) <= described(function), name


PACKAGE = Path(msfusion_sdk.__file__).parent
FACES = [
    *(".".join(p.parent.relative_to(PACKAGE.parent).parts) for p in PACKAGE.rglob("__init__.pyi")),
    "msfusion_sdk.slides.annotations",
    "msfusion_sdk.slides.stain",
    "msfusion_sdk.testing",
]


@pytest.mark.parametrize("room", FACES)
def test_every_public_name_is_on_a_page(room: str) -> None:
    shown = {name.rsplit(".", 1)[1] for name, _ in OBJECTS}
    assert set(import_module(room).__all__) <= shown
