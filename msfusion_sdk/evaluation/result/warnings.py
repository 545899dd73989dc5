"""What a reader of the numbers has to know before they are believed."""

from collections.abc import Mapping, Sequence

import pandas as pd

from msfusion_sdk.evaluation.metrics.horizons import TimePlan
from msfusion_sdk.evaluation.metrics.predictions import Predictions
from msfusion_sdk.outcomes.outcome import Outcome

__all__ = ["remarks"]

_FEW = 10  # events: below, the standard deviation of a fold's C-index is above about 0.08


def remarks(
    outcome: Outcome,
    counts: pd.DataFrame,
    out_of_fold: Mapping[str, Sequence[Predictions | str]],
    per_fold: pd.DataFrame,
    models: Sequence[str],
    plan: TimePlan | None,
) -> list[str]:
    """Return sentences about folds and horizons that decide little, and about missing values.

    Parameters
    ----------
    counts : DataFrame
        Of :func:`~msfusion_sdk.evaluation.folds.folds.fold_counts`.
    models : names
        Of the models themselves, whose missing values are spelt out; those of baselines are
        in the table per fold.
    """
    names = [outcome.stratum_names[code] for code in outcome.needed]
    sentences = [
        _thin(int(str(fold)), name, int(row[f"test {name}"]), int(row["test"]))
        for fold, row in counts.iterrows()
        for name in names
        if row[f"test {name}"] < _FEW
    ]
    sentences += _late(plan) if plan else []
    mine = per_fold[per_fold["model"].isin(models) & per_fold["value"].isna()]
    sentences += [
        f"{row.metric} of {row.model!r} has no value in fold {row.fold}: {row.reason}"
        for row in mine.itertuples()
    ]
    for name, entries in out_of_fold.items():
        reasons = [reason for reason in entries if isinstance(reason, str)]
        if reasons:
            sentences.append(
                f"{name!r} was not fitted in {len(reasons)} of {len(entries)} folds: {reasons[0]}"
            )
    return sentences


def _thin(fold: int, what: str, found: int, patients: int) -> str:
    if found == 0:
        return f"Fold {fold} decides nothing: none of its {patients} test patients has {what}."
    return (
        f"Fold {fold} decides little: {found} of its {patients} test patients have {what}, and "
        f"below {_FEW} its values are mostly chance."
    )


def _late(plan: TimePlan) -> list[str]:
    return [
        f"Horizon {horizon:g} lies beyond tau = {plan.tau:g}: few patients are followed so long, "
        "and each of them weighs much."
        for horizon in plan.horizons
        if horizon > plan.tau
    ]
