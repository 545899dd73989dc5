"""An outcome as a few words, and which values of its column mean an event."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from msfusion_sdk.errors import SurvivalLabelError
from msfusion_sdk.outcomes.survival_labels import as_key, cells_of
from msfusion_sdk.phrases import first_few

__all__ = ["outcomes_of", "with_event_values"]

CENSORED = "censored:"
NUMBER = "number:"


def outcomes_of(
    words: Sequence[str],
    *,
    event_values: Sequence[str] = (),
    no_event_values: Sequence[str] = (),
    unit: str | None = None,
) -> dict[str, dict[str, Any]]:
    """Return the settings of outcomes by name.

    Parameters
    ----------
    words : sequence of str
        ``NAME=TIME,EVENT`` or ``NAME=TIME,censored:COLUMN`` for survival, ``NAME=COLUMN`` for
        classes, ``NAME=number:COLUMN`` for numbers.
    event_values, no_event_values : sequence of str
        Values of the second column that mean an event, and that mean none.
    unit : str, optional
        Of times whose column does not say it.

    Raises
    ------
    ValueError
        When one of ``words`` is no such thing, or a name is given twice.

    Examples
    --------
    >>> outcomes_of(["death=OS_MONTHS,OS_STATUS"])
    {'death': {'time': 'OS_MONTHS', 'event': 'OS_STATUS'}}
    >>> outcomes_of(["subtype=SUBTYPE"])
    {'subtype': {'column': 'SUBTYPE'}}
    >>> outcomes_of(["purity=number:PURITY"])
    {'purity': {'column': 'PURITY', 'kind': 'number'}}
    """
    found: dict[str, dict[str, Any]] = {}
    for word in words:
        name, mark, columns = word.partition("=")
        first, comma, second = columns.partition(",")
        if not (mark and name.strip() and first) or (comma and not second) or name in found:
            again = f"{name!r} is given twice" if name in found else f"{word!r} is none of them"
            msg = (
                "An outcome is NAME=TIME,EVENT, NAME=TIME,censored:COLUMN, NAME=COLUMN or "
                f"NAME=number:COLUMN, such as death=OS_MONTHS,OS_STATUS, and {again}."
            )
            raise ValueError(msg)
        found[name] = (
            _survival(first, second, event_values, no_event_values, unit)
            if comma
            else _column(first)
        )
    return found


def _column(word: str) -> dict[str, Any]:
    if word.startswith(NUMBER):
        return {"column": word.removeprefix(NUMBER), "kind": "number"}
    return {"column": word}


def with_event_values(settings: Mapping[str, Any], table: pa.Table) -> dict[str, Any]:
    """Return settings in which lists of event values have become the meaning of each value.

    With ``event_values`` alone, as a list, the one other value means no event; where there are
    several others, ``no_event_values`` has to name them.

    Parameters
    ----------
    settings : mapping
        Of :func:`~msfusion_sdk.outcomes.declaration.declared`; ``event_values`` and
        ``no_event_values`` may be lists.
    table : Arrow table
        Of the patients.

    Raises
    ------
    SurvivalLabelError
        When no value is among them, or it is not said what the others mean.
    """
    chosen = {key: value for key, value in settings.items() if key != "no_event_values"}
    given, others = settings.get("event_values"), settings.get("no_event_values")
    column = settings.get("event") or settings.get("censored")
    is_list = given is not None and not isinstance(given, Mapping)
    if not (is_list or others):
        return chosen
    if column not in table.column_names:
        # That it is missing is said when the outcome is declared.
        return {**chosen, "event_values": None}
    found = {as_key(cell) for cell in cells_of(table, str(column)) if cell is not None}
    yes, no = _words(given), _words(others)
    if not found & (yes | no):
        msg = (
            f"{column} holds none of the values {first_few(sorted(yes | no))} (it holds: "
            f"{first_few(sorted(found), 8)}). {_whose(settings.get('time'), table, yes | no)}"
        )
        raise SurvivalLabelError(msg)
    rest = found - yes - no
    if not no and len(rest) > 1:
        msg = (
            f"{column} holds {len(rest)} values beside {first_few(sorted(yes & found))}: "
            f"{first_few(sorted(rest), 8)}. Say which of them mean that no event was seen: "
            "no_event_values= (--no-event-values), and blank the cells of the others."
        )
        raise SurvivalLabelError(msg)
    is_event = settings.get("event") is not None
    meaning = dict.fromkeys(sorted(yes & found), is_event)
    meaning |= dict.fromkeys(sorted(no & found or rest), not is_event)
    return {**chosen, "event_values": meaning}


def _whose(time: object, table: pa.Table, values: set[str]) -> str:
    """Return what to do about values that the column of events lacks: those of times may be it."""
    if time in table.column_names and values & set(map(as_key, cells_of(table, str(time)))):
        return f"{time}, given as the times, does: name the times first, then the events."
    return "Write them as in the table."


def _survival(
    time: str, flag: str, yes: Sequence[str], no: Sequence[str], unit: str | None
) -> dict[str, Any]:
    is_censored = flag.startswith(CENSORED)
    settings: dict[str, Any] = {"time": time}
    settings["censored" if is_censored else "event"] = flag.removeprefix(CENSORED)
    extra = {"event_values": tuple(yes), "no_event_values": tuple(no), "unit": unit}
    return settings | {key: value for key, value in extra.items() if value}


def _words(values: "Iterable[object] | None") -> set[str]:
    return {as_key(value) for value in values or ()}
