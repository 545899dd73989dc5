"""What a reader of the numbers has to know first; repeated warnings are folded into one."""

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from msfusion_sdk.evaluation.metrics.horizons import TimePlan, with_unit
from msfusion_sdk.evaluation.metrics.predictions import Predictions
from msfusion_sdk.outcomes.outcome import Outcome
from msfusion_sdk.phrases import first_few

__all__ = ["remarks", "warn_once"]

_VARYING = re.compile(r"('[^']*'(, )?)+…?|\d+")
"""Names and numbers in a message: what differs between fits."""

_LEFT_OUT = (
    "Patients come under observation late, and weights for censoring do not know of that: Uno's "
    "C-index, AUROC and the Brier score are not computed.",
)
_FEW = 10  # events: below, the standard deviation of a fold's C-index is above about 0.08


def remarks(
    outcome: Outcome,
    counts: pd.DataFrame,
    out_of_fold: Mapping[str, Sequence[Predictions | str]],
    per_fold: pd.DataFrame,
    models: Sequence[str],
    plan: TimePlan | None,
    labels: Mapping[str, str],
) -> list[str]:
    """Return sentences about folds and horizons that decide little, and about missing values.

    Parameters
    ----------
    counts : DataFrame
        Of :func:`~msfusion_sdk.evaluation.folds.folds.fold_counts`.
    models : names
        Of the models themselves, whose missing values are spelt out; those of baselines are
        in the table per fold.
    labels : mapping
        From the name of a metric to what people call it.
    """
    sentences = [
        *_thin_folds(outcome, counts),
        *(_late(plan, outcome.unit) if plan else ()),
        *(_LEFT_OUT if plan and "c_index_uno" not in labels else ()),
        *_not_judged(outcome, {name: out_of_fold[name] for name in models}),
    ]
    mine = per_fold[per_fold["model"].isin(models) & per_fold["value"].isna()]
    for (model, metric), rows in mine.groupby(["model", "metric"], sort=False):
        folds, reason = _listed(rows["fold"]), rows["reason"].iloc[0]
        sentences.append(f"{labels[str(metric)]} of {model!r} has no value in {folds}: {reason}")
    for name, entries in out_of_fold.items():
        reasons = [reason for reason in entries if isinstance(reason, str)]
        if reasons and name not in models:
            sentences.append(
                f"{name!r} was not fitted in {len(reasons)} of {len(entries)} folds: {reasons[0]}"
            )
    return sentences


def warn_once(caught: Iterable[tuple[type[Warning], str]]) -> None:
    """Issue warnings that repeat but for names and numbers once, and say how often they came."""
    kinds: dict[tuple[type[Warning], str], list[str]] = {}
    for category, message in caught:
        # Messages that differ only by names and numbers are of one kind.
        kinds.setdefault((category, _VARYING.sub("#", message)), []).append(message)
    for (category, _), messages in kinds.items():
        more = f" (and alike in {len(messages) - 1} other fits)" if len(messages) > 1 else ""
        warnings.warn(messages[0] + more, category, stacklevel=3)


def _thin_folds(outcome: Outcome, counts: pd.DataFrame) -> list[str]:
    sentences = []
    for name in (outcome.stratum_names[code] for code in outcome.needed):
        tested = counts["test"]
        # Of numbers there is one stratum, everybody.
        found = counts.get(f"test {name}", tested)
        what = "the event" if name == "event" else name
        if (found == 0).any():
            folds = _listed(counts.index[found == 0])
            sentences.append(
                f"{_capital(folds)} {_verb(folds, 'decides', 'decide')} nothing: none of "
                f"{_between(tested[found == 0])} test patients has {what}."
            )
        few = (found > 0) & (found < _FEW)
        if few.any():
            folds = _listed(counts.index[few])
            sentences.append(
                f"{_capital(folds)} {_verb(folds, 'decides', 'decide')} little: "
                f"{_between(found[few])} of {_between(tested[few])} test patients have {what}, and "
                f"below {_FEW} values are mostly chance."
            )
    return sentences


def _late(plan: TimePlan, unit: str | None) -> list[str]:
    late = [with_unit(horizon, unit) for horizon in plan.horizons if horizon > plan.tau]
    if not late:
        return []
    what = f"Horizons {', '.join(late)} lie" if len(late) > 1 else f"Horizon {late[0]} lies"
    return [
        f"{what} beyond tau = {with_unit(plan.tau, unit)}: few patients are followed so long, and "
        "each of them weighs much."
    ]


def _not_judged(outcome: Outcome, models: Mapping[str, Sequence[Predictions | str]]) -> list[str]:
    sentences = []
    for name, entries in models.items():
        judged = {p for one in entries if not isinstance(one, str) for p in one.patient_ids}
        missing = [patient for patient in outcome.patient_ids if patient not in judged]
        reasons = [reason for reason in entries if isinstance(reason, str)]
        if reasons:
            sentences.append(
                f"{name!r} was not fitted in {len(reasons)} of {len(entries)} folds, so "
                f"{len(missing)} patients are not judged: {reasons[0]}"
            )
        elif missing:
            sentences.append(
                f"{len(missing)} patients hold nothing that {name!r} can use, and were neither "
                f"learned from nor judged (first: {first_few(missing)})."
            )
    return sentences


def _listed(folds: Iterable[object]) -> str:
    numbers = [str(fold) for fold in folds]
    if len(numbers) == 1:
        return f"fold {numbers[0]}"
    return f"folds {', '.join(numbers[:-1])} and {numbers[-1]}"


def _verb(folds: str, one: str, many: str) -> str:
    return many if folds.startswith("folds") else one


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _between(values: "pd.Series[int]") -> str:
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"{low} to {high}"
