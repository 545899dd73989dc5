"""Modules that the documentation of version 0.1 named, and where their names are now.

An import of the old module works until 0.3, and each name taken from it warns.  Left out is
``survival.kaplan_meier``: the function has that place now.
"""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from msfusion_sdk.deprecation import warn_of

__all__ = ["MOVED", "forward", "install"]

MOVED = {
    "msfusion_sdk.evaluation.class_metrics": "msfusion_sdk.evaluation.metrics.class_metrics",
    "msfusion_sdk.evaluation.intervals": "msfusion_sdk.evaluation.metrics.intervals",
    "msfusion_sdk.report.completeness_figure": "msfusion_sdk.figures.completeness",
    "msfusion_sdk.report.contact_sheet": "msfusion_sdk.figures.slides.contact_sheet",
    "msfusion_sdk.report.describe": "msfusion_sdk.inspect.describe",
    "msfusion_sdk.report.html.write": "msfusion_sdk.report.write",
    "msfusion_sdk.report.overlay": "msfusion_sdk.figures.slides.overlay",
    "msfusion_sdk.survival.auc": "msfusion_sdk.survival.metrics.auc",
    "msfusion_sdk.survival.brier": "msfusion_sdk.survival.metrics.brier",
    "msfusion_sdk.survival.calibration": "msfusion_sdk.survival.metrics.calibration",
    "msfusion_sdk.survival.concordance": "msfusion_sdk.survival.metrics.concordance",
    "msfusion_sdk.survival.losses": "msfusion_sdk.survival.cox.losses",
    "msfusion_sdk.survival.outcome": "msfusion_sdk.outcomes.survival",
    "msfusion_sdk.survival.product_limit": "msfusion_sdk.survival.metrics.product_limit",
    "msfusion_sdk.survival.screening": "msfusion_sdk.survival.cox.screening",
}

RENAMED = {("msfusion_sdk.survival.outcome", "SurvivalLabels"): "SurvivalOutcome"}
"""Names that are other ones in the new module."""


class _OldModule(ModuleType):
    """Has the names of another module, and says so when one is taken."""

    def __getattr__(self, name: str) -> object:
        new = MOVED[self.__name__]
        # Python itself asks for these: that is no use of an old name.
        if name.startswith("__"):
            msg = f"module {self.__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        now = RENAMED.get((self.__name__, name), name)
        value: object = getattr(import_module(new), now)
        room = ".".join(new.split(".")[:2])
        home = room if now in getattr(import_module(room), "__all__", ()) else new
        warn_of(f"{self.__name__}.{name}", "0.2", "0.3", f"{home}.{now}")
        return value


class _Finder(MetaPathFinder, Loader):
    """Finds what nobody else found, if it is the old name of a module."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname in MOVED else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _OldModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Leave the module empty: its names are looked up when they are taken."""


def forward(old: str, room: str) -> Callable[[str], object]:
    """Return the ``__getattr__`` of a folder that was a module: its names are a room's face now."""

    def find(name: str) -> object:
        face = import_module(room)
        if name not in face.__all__:
            msg = f"module {old!r} has no attribute {name!r}"
            raise AttributeError(msg)
        warn_of(f"{old}.{name}", "0.2", "0.3", f"{room}.{name}")
        value: object = getattr(face, name)
        return value

    return find


def install() -> None:
    """Let the old names be imported, once in a process."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
