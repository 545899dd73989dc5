"""Warnings about clinical columns when a model learns from them, one of each kind."""

import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.issues import TableWarning

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Remark", "RemarkKind", "warn_of"]

RemarkKind = Literal[
    "no number",
    "limit",
    "unit",
    "code",
    "nearly empty",
    "site",
    "mostly numbers",
    "like numbers",
    "damage",
]

SENTENCES: Mapping[RemarkKind, str] = {
    "no number": "Cells that are no numbers, stages or grades count as gaps: {}. Correct them, or "
    "declare the column under categorical=.",
    "limit": "Cells that say a limit count as that number: {}.",
    "unit": "Few cells of a column name a unit, and all count as numbers in that unit: {}. Check "
    "that the others are in it.",
    "code": "Numbers lie apart from all others and may be codes for no value: {}. If they are, "
    "blank these cells.",
    "nearly empty": "Left out columns that are nearly empty: {}. Declare one under numeric=, "
    "categorical= or ordinal= to use it all the same.",
    "site": "Columns say where a patient was treated: {}. A model that learns the place does not "
    "hold elsewhere: drop them, judge it with site=, or declare them under categorical=.",
    "mostly numbers": "Columns of which many cells are numbers are used as levels: {}. Correct the "
    "other cells, or declare the column under numeric= or categorical=.",
    "like numbers": "Left out columns whose cells begin with numbers, are more than that, and are "
    "hardly the same for any two patients: {}. Write them as plain numbers if they are meant so.",
    "damage": "Cells look like dates that a spreadsheet made of something else: {}. Look them up "
    "where the table comes from.",
}


class Remark(NamedTuple):
    """Something about one column."""

    kind: RemarkKind
    column: str
    cells: "pd.Series[str]"
    """Those that it is about."""


def warn_of(remarks: Iterable[Remark]) -> None:
    """Warn once for each kind, naming every column with the number of cells and the first.

    Warns
    -----
    TableWarning
    """
    by_kind: dict[RemarkKind, list[str]] = {}
    for remark in remarks:
        shown = f"{remark.column!r}"
        if len(remark.cells):
            shown += f" ({len(remark.cells)}: {first_few(dict.fromkeys(remark.cells), 2)})"
        by_kind.setdefault(remark.kind, []).append(shown)
    for kind, columns in by_kind.items():
        warnings.warn(SENTENCES[kind].format(", ".join(columns)), TableWarning, stacklevel=4)
