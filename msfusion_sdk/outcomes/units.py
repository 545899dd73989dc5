"""Units in which follow-up is counted, and how long it can be."""

from typing import Literal

from msfusion_sdk.arrays import Bools, Floats

__all__ = ["MAX_YEARS", "UNITS", "TimeUnit", "too_long", "unit_of"]

TimeUnit = Literal["days", "weeks", "months", "years"]
UNITS: tuple[TimeUnit, ...] = ("days", "weeks", "months", "years")

MAX_YEARS = 100
"""Nobody is followed longer."""

_PER_YEAR: dict[str, float] = {"days": 365.25, "weeks": 52.18, "months": 12.0, "years": 1.0}


def too_long(time: Floats, unit: str) -> Bools:
    """Return which times are longer than anybody is followed."""
    long: Bools = time > MAX_YEARS * _PER_YEAR[unit]
    return long


def unit_of(column: str) -> TimeUnit | None:
    """Return the unit in which the name of a column of times ends, if it does."""
    return next((unit for unit in UNITS if column.casefold().endswith(f"_{unit}")), None)
