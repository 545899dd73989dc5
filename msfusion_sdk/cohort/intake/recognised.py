"""Columns that portals use for outcomes: recognised, and never declared by themselves.

Sources: the file formats of cBioPortal (``OS_MONTHS`` beside ``OS_STATUS``, with ``1:DECEASED`` for
an event; its downloads spell the names out), and Liu et al., Cell 173 (2018) 400-416, whose table
(``OS`` beside ``OS.time``, in days) UCSC Xena gives away.
"""

import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from msfusion_sdk.outcomes.declaration import Declaration, TimeUnit
from msfusion_sdk.outcomes.survival_labels import as_key, cells_of

__all__ = ["Recognised", "recognised_outcomes"]

PAIRS: tuple[tuple[str, str, TimeUnit | None], ...] = (
    ("_MONTHS", "_STATUS", None),
    (" (Months)", " Status", "months"),
    (".time", "", "days"),
)
"""How the columns of times and of events end, and the unit that the name does not say."""
EVENTS = ("deceased", "dead", "recurred", "progressed", "recurred/progressed", "progression")
"""Words for an event in tables from before cBioPortal wrote ``1:`` in front of them."""


@dataclass(frozen=True)
class Recognised:
    """Two columns that look like an outcome, and which of their values mean an event."""

    name: str
    time: str
    event: str
    unit: TimeUnit | None
    """None where the name of ``time`` says it."""
    event_values: tuple[str, ...]
    """Empty where the column holds true and false, or 1 and 0."""
    no_event_values: tuple[str, ...] = ()
    """Named where several values mean none."""

    def command(self, folder: str | Path) -> str:
        """Return the command that declares it."""
        words = ["msfusion", "cohort", "outcome", "add", str(folder)]
        words.append(f"{self.name}={self.time},{self.event}")
        for option, values in (
            ("--event-values", self.event_values),
            ("--no-event-values", self.no_event_values),
        ):
            words += [word for value in values for word in (option, value)]
        if self.unit is not None:
            words += ["--unit", self.unit]
        return shlex.join(words)


def recognised_outcomes(
    patients: pa.Table, known: Collection[Declaration] = ()
) -> tuple[Recognised, ...]:
    """Return the outcomes that the names and values of columns show, those of ``known`` left out.

    Parameters
    ----------
    patients : Arrow table
        Of the patients, as a cohort keeps it.
    known : collection
        What is declared already.
    """
    taken = {each.columns[:2] for each in known}
    return tuple(found for found in _pairs(patients) if (found.time, found.event) not in taken)


def _pairs(patients: pa.Table) -> Iterator[Recognised]:
    columns = set(patients.column_names)
    for time in patients.column_names:
        for ending, flag, unit in PAIRS:
            stem = time.removesuffix(ending)
            event = f"{stem}{flag}"
            if stem in ("", time) or event not in columns:
                continue
            values = _values(patients, event)
            if values is not None:
                yield Recognised(_short(stem), time, event, unit, *values)


def _values(patients: pa.Table, column: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Return which values mean an event, and none where it must be said; None for no such column.

    Both are empty for true and false or 1 and 0.
    """
    cells = [cell for cell in cells_of(patients, column) if cell is not None]
    if cells and all(not isinstance(cell, str) and cell in (0, 1) for cell in cells):
        return ((), ()) if any(cells) else None
    found = sorted({as_key(cell) for cell in cells})
    yes = tuple(value for value in found if _is_event(value))
    no = tuple(value for value in found if value not in yes)
    # Nobody had the event, or everybody did: such labels can be declared and decide nothing.
    if not yes or not no:
        return None
    return yes, no if len(no) > 1 else ()


def _is_event(value: str) -> bool:
    number, colon, _ = value.partition(":")
    return number.strip() == "1" if colon or number in ("0", "1") else value.casefold() in EVENTS


def _short(stem: str) -> str:
    """Return a name that needs no quotes: ``Overall Survival`` is ``overall_survival``."""
    return "_".join(stem.casefold().split())
