"""Every warning of the project has one base, keeps its built-in one, and stands on one page."""

import ast
import builtins
import inspect
import pkgutil
import re
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import msfusion_adapters
import msfusion_sdk
from msfusion_sdk import errors
from msfusion_sdk.deprecation import MsfusionDeprecationWarning, deprecated
from msfusion_sdk.errors import MsfusionWarning

PACKAGES = (msfusion_sdk, msfusion_adapters)
SOURCES = [p for one in PACKAGES for p in sorted(Path(one.__path__[0]).rglob("*.py"))]
PAGE = Path(msfusion_sdk.__file__).parents[1] / "docs" / "troubleshooting.md"


def defined() -> Iterator[tuple[str, str]]:
    """The modules and names of classes that are called a warning."""
    for package in PACKAGES:
        root = Path(package.__path__[0])
        for module in pkgutil.walk_packages([str(root)], f"{package.__name__}.", onerror=repr):
            path = root.parent / Path(*module.name.split("."))
            path = path / "__init__.py" if module.ispkg else path.with_suffix(".py")
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.ClassDef) and node.name.endswith("Warning"):
                    yield module.name, node.name


CLASSES = [getattr(import_module(module), name) for module, name in defined()]
KINDS = [one for one in CLASSES if one is not MsfusionWarning]


def test_the_classes_are_found() -> None:
    assert len(KINDS) >= 11


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_warning_is_ours_and_a_built_in_one(kind: type[Warning]) -> None:
    assert issubclass(kind, MsfusionWarning)
    assert issubclass(kind, UserWarning | DeprecationWarning)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_warning_is_drawn_listed_and_explained(kind: type[Warning]) -> None:
    assert kind.__name__ in errors.__doc__
    rows = PAGE.read_text("utf-8").split("## Every warning")[1]
    (room,) = re.findall(rf"^\| `{kind.__name__}` \| `([\w.]+)` \|", rows, re.M)
    assert getattr(import_module(room), kind.__name__) is kind
    assert inspect.getdoc(kind)


def test_nothing_warns_in_a_class_of_others() -> None:
    built_in = {name for name in dir(builtins) if name.endswith("Warning")}
    found = [
        f"{path.name}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("warnings.warn", "warn")
        if len(node.args) < 2 or ast.unparse(node.args[1]) in built_in
    ]
    assert found == []


def test_one_filter_decides_about_all_of_them() -> None:
    @deprecated(since="0.2", removal="0.3", instead="new()")
    def old() -> None: ...

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", MsfusionWarning)
        old()
        with pytest.raises(UserWarning, match="of somebody else"):
            warnings.warn("of somebody else", UserWarning, stacklevel=1)


def test_python_still_shows_deprecations_as_such() -> None:
    assert issubclass(MsfusionDeprecationWarning, DeprecationWarning)
