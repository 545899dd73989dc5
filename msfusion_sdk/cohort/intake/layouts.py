"""Files of other portals come in through the adapter that knows their layout."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from msfusion_sdk.adapter import ModalityAdapter
from msfusion_sdk.errors import TableError
from msfusion_sdk.registry import list_adapters, load_adapter
from msfusion_sdk.tables.arrow import TableSource, name_of
from msfusion_sdk.tables.files.table_file import TableFile
from msfusion_sdk.tables.issues import Issue, TableWarning, note

__all__ = ["LayoutChoice", "read_in_layout"]


class LayoutChoice(NamedTuple):
    """How a file is laid out: whose layout it is, and which."""

    adapter: str | ModalityAdapter
    """Its registered name, or itself."""
    settings: Mapping[str, object]
    """Of an adapter by name: ``layout`` first of all."""

    @property
    def layout(self) -> object:
        """What the layout is called; None where nobody says so."""
        return self.settings.get("layout", getattr(self.adapter, "layout", None))


def read_in_layout(source: TableSource, choice: LayoutChoice) -> tuple[pd.DataFrame, list[Issue]]:
    """Return a row per patient from a file in a layout that an adapter knows, and its remarks.

    Raises
    ------
    TableError
        When it is no file, no such adapter knows the layout, or it cannot be read by it.
    """
    if not isinstance(source, str | Path | TableFile):
        msg = f"A layout is for files, and {name_of(source)} is none. Read it with the adapter."
        raise TableError(msg)
    reader = _reader(choice.adapter, choice.settings)
    # What an adapter warns of belongs into the cohort's report, not on the terminal alone.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TableWarning)
        table = reader.read(source)
    texts = [str(each.message) for each in caught if issubclass(each.category, TableWarning)]
    return table, [each for text in texts for each in note("Table", 1, text)]


def _reader(name: str | ModalityAdapter, settings: Mapping[str, object]) -> ModalityAdapter:
    if isinstance(name, ModalityAdapter):
        if settings:
            given = ", ".join(f"{key}=" for key in settings)
            msg = (
                f"{given} goes to an adapter that is named. Give it to the adapter itself: "
                f"{type(name).__name__}(…)."
            )
            raise TableError(msg)
        return name
    known = list_adapters()
    if name not in known:
        msg = (
            f"No adapter is called {name!r}, so nobody says how its files are laid out. Say whose "
            f"layout it is: adapter= (--adapter), one of {', '.join(known)}."
        )
        raise TableError(msg)
    kind = load_adapter(name)
    layout = settings.get("layout")
    if layout is not None and layout not in kind.layouts:
        has = f"its layouts are {', '.join(kind.layouts)}" if kind.layouts else "it has no layouts"
        msg = f"The adapter {name!r} does not know the layout {layout!r}: {has}."
        raise TableError(msg)
    try:
        return kind(**settings)
    except TypeError as error:
        parameters = ", ".join(sorted(kind().get_params(deep=False)))
        msg = f"The adapter {name!r} has no such setting ({error}). It has {parameters}."
        raise TableError(msg) from error
