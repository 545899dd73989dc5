"""Published predictions give the published concordance and interval, by the whole evaluation."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from msfusion_sdk.evaluation.evaluate import evaluate
from msfusion_sdk.evaluation.result.evaluation import Evaluation

SIX_DIGITS = 5.001e-7  # of the reference
COHORTS = ("brca", "gbmlgg", "luad")
# reference.md of the data: 200 resamples of patients within fold.
PUBLISHED_LIMITS = {"brca": (0.501, 0.624), "gbmlgg": (0.744, 0.820), "luad": (0.514, 0.611)}


class Published(BaseEstimator):
    """Repeats the risk in its table."""

    def fit(self, tables: Mapping[str, pd.DataFrame], y: pd.DataFrame) -> Self:
        return self

    def predict_risk(self, tables: Mapping[str, pd.DataFrame]) -> pd.Series:
        return tables["slide"]["risk"]

    def predict_survival(
        self, tables: Mapping[str, pd.DataFrame], times: np.ndarray
    ) -> pd.DataFrame:
        return pd.DataFrame(0.5, tables["slide"].index, times)


@pytest.fixture(params=COHORTS)
def published(request: pytest.FixtureRequest, shared: Path) -> tuple[str, Evaluation, pd.Series]:
    """The cohort, our evaluation of its slide risks, and the published values per fold."""
    folder = shared / "data" / "tcga"
    names = ("clinical", "folds", "wsi_risk")
    tables = [pd.read_parquet(folder / request.param / f"{n}.parquet") for n in names]
    clinical, folds, risk = (table.set_index("patient_id") for table in tables)
    y = clinical[["time_months", "event"]].set_axis(["time", "event"], axis=1)
    result = evaluate(
        Published(), {"slide": risk[["risk"]]}, y, folds=folds["fold"], baselines=False
    )
    reference = pd.read_csv(folder / "reference_folds.csv")
    mine = (reference["cohort"] == request.param) & (reference["model"] == "AMIL (WSI)")
    return request.param, result, reference[mine].sort_values("fold")["c_index"]


def test_concordance_per_fold_is_the_published_one(
    published: tuple[str, Evaluation, pd.Series],
) -> None:
    _, result, expected = published
    found = result.per_fold.query("metric == 'c_index'")["value"]
    assert found.to_numpy(float) == pytest.approx(expected.to_numpy(), abs=SIX_DIGITS)


def test_the_interval_is_the_published_one_up_to_chance(
    published: tuple[str, Evaluation, pd.Series],
) -> None:
    cohort, result, _ = published
    row = result.summary.iloc[0]
    # Limits by 200 resamples have a standard error of about 0.005; ours keep the events.
    assert (row["lower"], row["upper"]) == pytest.approx(PUBLISHED_LIMITS[cohort], abs=0.015)
