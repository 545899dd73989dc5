"""What the numbers of an evaluation say, in sentences: nothing that an interval does not show."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from msfusion_sdk.evaluation.crossfit.baselines import LATE_AVERAGE

__all__ = ["MainMetric", "verdict"]


class MainMetric(NamedTuple):
    """By which models are compared; higher is better."""

    name: str
    label: str
    chance: float | None
    """The value of guessing."""


class _Value(NamedTuple):
    """A number and its 95 % limits, None where there are none."""

    value: float
    lower: float | None
    upper: float | None

    @property
    def limits(self) -> str:
        return f"({self.lower:.2f} to {self.upper:.2f})"


def verdict(
    summary: pd.DataFrame,
    differences: pd.DataFrame,
    contributions: pd.DataFrame,
    *,
    models: Sequence[str],
    metric: MainMetric,
    bootstrap: int,
) -> tuple[str, ...]:
    """Return the sentences with which every page about an evaluation begins.

    Parameters
    ----------
    summary, differences, contributions
        Of an :class:`~msfusion_sdk.evaluation.result.evaluation.Evaluation`.
    models : sequence of str
        The models themselves, the reference first; what else is in ``summary`` are baselines.
    metric : MainMetric
    bootstrap : int
        Number of resamples; without any there are no intervals, and the verdict is short.
    """
    rows = summary[summary["metric"] == metric.name].set_index("model")
    values = {str(name): _value(row, "mean") for name, row in rows.iterrows()}
    reference, patients = models[0], int(rows["patients"].iloc[0])
    alone = [name for name in values if name.endswith(" alone") and name not in models]
    called = _called(reference, models, bool(alone))
    mine = values[reference]
    if mine is None:
        return (f"{called} has no {metric.label} on these {patients} patients: see the warnings.",)
    if mine.lower is None:
        why = "too few for an interval" if bootstrap else "without an interval"
        return (
            f"{called} has a {metric.label} of {mine.value:.2f} on {patients} patients, {why}. "
            "Differences are not judged.",
        )
    level, is_decided = _level(called, mine, values, metric, patients)
    if not is_decided:
        return (level,)
    steps = _steps(differences, "model", metric)
    worth = _steps(contributions, "table", metric)
    return (
        level,
        *_against_tables(called, alone, values, steps),
        *_against_average(called, steps.get(LATE_AVERAGE)),
        *(_worth(table, step) for table, step in worth.items() if step is not None),
        *_against_models(called, models[1:], steps),
    )


def _steps(rows: pd.DataFrame, kind: str, metric: MainMetric) -> dict[str, _Value | None]:
    """Return the differences of a metric by model or table; a table without rows has no columns."""
    shown = rows[rows["metric"] == metric.name] if len(rows) else rows
    return {str(row[kind]): _value(row, "difference") for _, row in shown.iterrows()}


def _called(reference: str, models: Sequence[str], has_tables: bool) -> str:
    if len(models) > 1 or reference != "model":
        return repr(reference)
    return "Fusion" if has_tables else "The model"


def _level(
    called: str,
    mine: _Value,
    values: Mapping[str, _Value | None],
    metric: MainMetric,
    patients: int,
) -> tuple[str, bool]:
    """Return how good the reference is, and whether comparing it with others makes sense."""
    reached = f"{metric.label} {mine.value:.2f} {mine.limits}"
    chance = metric.chance
    if chance is None or mine.lower is None or mine.upper is None:
        return f"{called} reaches {reached} on {patients} patients.", True
    # Where a baseline beats chance the data do tell something, and comparing makes sense.
    able = [
        name
        for name, one in values.items()
        if one and one.lower is not None and one.lower > chance and not name.endswith(" permuted")
    ]
    # Worse than chance is no weak model: it is an outcome or a risk with its sign turned.
    if mine.upper < chance:
        return (
            f"{called} is worse than chance on these {patients} patients ({reached}): check that "
            "the outcome means what it says.",
            bool(able),
        )
    if not able:
        return f"No model beats chance on these {patients} patients ({called}: {reached}).", False
    if mine.lower <= chance:
        return f"{called} does not beat chance on these {patients} patients ({reached}).", True
    return f"{called} beats chance on {patients} patients: {reached}.", True


def _against_tables(
    called: str,
    alone: Sequence[str],
    values: Mapping[str, _Value | None],
    steps: Mapping[str, _Value | None],
) -> list[str]:
    """Return the sentence on the table that is better alone, or else on the best one."""
    known = {name: step for name in alone if (step := steps.get(name)) is not None}
    better = {n: s for n, s in known.items() if s.upper is not None and s.upper < 0}
    if better:
        name = min(better, key=lambda each: better[each].value)
        return [_compared(called, name, better[name])]
    ranked = {name: one.value for name in known if (one := values[name]) is not None}
    if not ranked:
        return []
    best = max(ranked, key=lambda each: ranked[each])
    what = f"{best}, the best single table," if len(ranked) > 1 else best
    return [_compared(called, what, known[best])]


def _against_average(called: str, step: _Value | None) -> list[str]:
    """Return a sentence where the simplest fusion is shown to be better or worse."""
    if step is None or step.lower is None or step.upper is None or step.lower <= 0 <= step.upper:
        return []
    return [_compared(called, "the late average of single tables", step)]


def _worth(table: str, step: _Value) -> str:
    if step.lower is None or step.upper is None:
        return f"What {table} adds is not judged: there is no interval."
    if step.lower > 0:
        return f"{table} adds {_size(step)}."
    if step.upper < 0:
        return f"{table} takes away {_size(step)}."
    return f"{table} adds nothing that shows: {_signed(step)}."


def _against_models(
    called: str, others: Sequence[str], steps: Mapping[str, _Value | None]
) -> list[str]:
    known = {name: step for name in others if (step := steps.get(name)) is not None}
    return [_compared(called, repr(name), step) for name, step in known.items()]


def _compared(called: str, other: str, step: _Value) -> str:
    if step.lower is None or step.upper is None:
        return f"{called} and {other.rstrip(',')} are not compared: there is no interval."
    if step.lower > 0:
        return f"{called} is better than {other} by {_size(step)}."
    if step.upper < 0:
        return f"{called} is worse than {other} by {_size(step)}."
    return f"{called} is not shown to differ from {other.rstrip(',')}: {_signed(step)}."


def _size(step: _Value) -> str:
    """Return how large a step is, without its sign."""
    low, high = sorted(abs(limit or 0.0) for limit in (step.lower, step.upper))
    digits = _digits(step)
    return f"{abs(step.value):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _signed(step: _Value) -> str:
    digits = _digits(step)
    return f"{step.value:+.{digits}f} ({step.lower:+.{digits}f} to {step.upper:+.{digits}f})"


def _digits(step: _Value) -> int:
    """Return how many decimals show a step and its limits."""
    least = min(abs(limit or 0.0) for limit in (step.value, step.lower, step.upper))
    return 3 if least < 0.02 else 2


def _value(row: "pd.Series[Any]", column: str) -> _Value | None:
    if pd.isna(row[column]):
        return None
    limits = [None if pd.isna(row[name]) else float(row[name]) for name in ("lower", "upper")]
    return _Value(float(row[column]), *limits)
