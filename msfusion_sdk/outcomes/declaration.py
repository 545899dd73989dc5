"""Outcomes as they are declared: which columns of the patient table say what, never guessed."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.errors import SurvivalLabelError, TableError
from msfusion_sdk.outcomes.units import UNITS, TimeUnit, unit_of

__all__ = [
    "AnyDeclaration",
    "ClassDeclaration",
    "Declaration",
    "NumberDeclaration",
    "SurvivalDeclaration",
    "TimeUnit",
    "declared",
    "standard_outcomes",
]


class SurvivalDeclaration(FrozenConfig):
    """Time to an event, or to the end of follow-up."""

    kind: Literal["survival"] = "survival"
    time: str
    """The column of times."""
    event: str | None = None
    """The column that is true where the event was seen."""
    censored: str | None = None
    """The column that is true where the patient is censored: instead of ``event``."""
    unit: TimeUnit
    event_values: Mapping[str, bool] | None = None
    """What each value of ``event`` (or ``censored``) means, where it is not true or false, 1
    or 0.  An event of another kind ends the follow-up: it is no event, as being censored is."""
    entry: str | None = None
    """The column of the times at which patients came under observation, in the same unit, where
    that was not at time 0."""

    @field_validator("event_values", mode="before")
    @classmethod
    def _keys_as_text(cls, values: object) -> object:
        """Let 1 and 2 be keys as they are in the table; JSON has text keys only."""
        return {str(k): v for k, v in values.items()} if isinstance(values, Mapping) else values

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.event is None) == (self.censored is None):
            msg = "name either the column event= or the column censored=, and not both"
            raise ValueError(msg)
        if contradiction := _contradiction(self.unit, self.time, self.entry):
            raise ValueError(contradiction)
        return self

    @property
    def flag(self) -> str:
        """The column of events or of censoring."""
        return self.event or self.censored or ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that must be there."""
        return (self.time, self.flag) if self.entry is None else (self.time, self.flag, self.entry)

    @model_serializer(mode="wrap")
    def _plain(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the entry where there is none, as files of before it have it."""
        written: dict[str, Any] = dump(self)
        if self.entry is None:
            written.pop("entry")
        return written


class ClassDeclaration(FrozenConfig):
    """One class per patient."""

    kind: Literal["class"] = "class"
    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that must be there."""
        return (self.column,)


class NumberDeclaration(FrozenConfig):
    """One number per patient: a continuous biomarker, say."""

    kind: Literal["number"] = "number"
    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that must be there."""
        return (self.column,)


Declaration = SurvivalDeclaration | ClassDeclaration | NumberDeclaration
AnyDeclaration = Annotated[Declaration, Field(discriminator="kind")]
"""The same for a field of a configuration: ``kind`` says which it is."""
_DECLARATION: TypeAdapter[Declaration] = TypeAdapter(AnyDeclaration)


def declared(name: str, columns: Collection[str], **settings: object) -> Declaration:
    """Return a declaration: ``time=`` with ``event=`` or ``censored=``, or ``column=``.

    A column holds classes unless ``kind="number"`` says that it holds numbers.

    Parameters
    ----------
    columns : collection of str
        Of the patient table.
    **settings
        Fields of :class:`SurvivalDeclaration`, :class:`ClassDeclaration` or
        :class:`NumberDeclaration`.  The unit may be left out when the name of the time column
        ends in it, as ``time_months`` does.

    Raises
    ------
    SurvivalLabelError
        When a survival outcome is declared incompletely or contradicts itself.
    TableError
        When a column is not there, or a setting is unknown.
    """
    # The command line passes every option, those not given as None.
    given = {key: value for key, value in settings.items() if value is not None}
    kind = given.setdefault("kind", "survival" if "time" in given else "class")
    # First: a misspelt name tells no unit.
    _require_columns(name, given, columns)
    is_survival = kind == "survival"
    if is_survival:
        given["unit"] = _unit(name, given)
    try:
        return _DECLARATION.validate_python(given)
    except ValidationError as error:
        problem = "; ".join(
            # The first part of ``loc`` is the kind, and "Value error, " is pydantic's own.
            f"{'.'.join(map(str, e['loc'][1:]))} {e['msg'].removeprefix('Value error, ')}".strip()
            for e in error.errors()
        )
        msg = (
            f"Outcome {name!r} is not declared completely: {problem}. Pass time= and event= (or "
            "censored=), or column= for classes, with kind='number' for numbers."
        )
        raise (SurvivalLabelError if is_survival else TableError)(msg) from error


def _require_columns(name: str, given: Mapping[str, object], columns: Collection[str]) -> None:
    for key in ("time", "event", "censored", "entry", "column"):
        column = given.get(key)
        if column is None or column in columns:
            continue
        near = get_close_matches(str(column), columns, n=1)
        maybe = f" Is it {near[0]!r}?" if near else ""
        msg = (
            f"Outcome {name!r} names the column {column!r}, which the patient table lacks "
            f"(columns: {', '.join(columns)}).{maybe} Name one that is there."
        )
        raise TableError(msg)


def _unit(name: str, given: Mapping[str, Any]) -> str:
    """Return the unit of times, which is stated or stands in the name of their column."""
    time, stated = str(given.get("time", "")), given.get("unit")
    unit = stated or unit_of(time)
    if unit is None:
        msg = (
            f"Outcome {name!r} does not say in which unit {given.get('time')!r} is counted. "
            f"Pass unit= (--unit), one of {', '.join(UNITS)}."
        )
        raise SurvivalLabelError(msg)
    if contradiction := _contradiction(unit, time, given.get("entry")):
        way_out = "Leave unit= (--unit) out" if stated else "Give all times in one unit"
        msg = (
            f"Outcome {name!r}: {contradiction}. {way_out}; where the name is wrong, rename the "
            "column."
        )
        raise SurvivalLabelError(msg)
    return str(unit)


def _contradiction(unit: str, *columns: str | None) -> str:
    """Return which column has another unit in its name, '' for none."""
    for column in columns:
        # A name that says "months" beside unit="days" is one slip or another: never guessed.
        if column and unit_of(column) not in (None, unit):
            return f"unit {unit!r} contradicts the name of the column {column!r}"
    return ""


def standard_outcomes(columns: Collection[str]) -> dict[str, Declaration]:
    """Return the outcomes that columns of standard names declare.

    ``time_days``, ``time_weeks``, ``time_months`` or ``time_years`` (one of them) with
    ``event`` declare ``survival``; ``diagnosis`` declares itself.
    """
    found: dict[str, Declaration] = {}
    units = [unit for unit in UNITS if f"time_{unit}" in columns]
    # Of two time columns none is the standard one.
    if len(units) == 1 and "event" in columns:
        found["survival"] = SurvivalDeclaration(
            time=f"time_{units[0]}", event="event", unit=units[0]
        )
    if "diagnosis" in columns:
        found["diagnosis"] = ClassDeclaration(column="diagnosis")
    return found
