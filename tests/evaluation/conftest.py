"""Made patients, and small estimators that keep the protocol of the fusion estimators."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Self

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression

from msfusion_sdk.survival.cox.cox import fit_cox


class Cohort(NamedTuple):
    X: dict[str, pd.DataFrame]
    y: pd.DataFrame
    classes: pd.Series


class Standardised(BaseEstimator):
    """Columns of all tables side by side, standardised; a gap is 0."""

    def _learn(self, tables: Mapping[str, pd.DataFrame], ids: pd.Index) -> np.ndarray:
        table = self._join(tables, ids)
        self.mean_, self.scale_ = table.mean(), table.std().replace(0, 1)
        return self._values(tables, ids)

    def _values(self, tables: Mapping[str, pd.DataFrame], ids: pd.Index) -> np.ndarray:
        table = self._join(tables, ids)
        return ((table - self.mean_) / self.scale_).fillna(0).to_numpy()

    @staticmethod
    def _join(tables: Mapping[str, pd.DataFrame], ids: pd.Index) -> pd.DataFrame:
        return pd.concat([t.reindex(ids).add_prefix(f"{n}.") for n, t in tables.items()], axis=1)

    @staticmethod
    def _ids(tables: Mapping[str, pd.DataFrame]) -> pd.Index:
        ids = [t.index for t in tables.values()]
        return pd.Index(sorted(set().union(*ids)), name="patient_id")


class RidgeCox(Standardised):
    def __init__(self, penalty: float = 0.05) -> None:
        self.penalty = penalty

    def fit(self, tables: Mapping[str, pd.DataFrame], y: pd.DataFrame) -> Self:
        values = self._learn(tables, y.index)
        self.cox_ = fit_cox(values, time=y["time"], event=y["event"], penalty=self.penalty)
        return self

    def predict_risk(self, tables: Mapping[str, pd.DataFrame]) -> pd.Series:
        ids = self._ids(tables)
        return pd.Series(self.cox_.predict_log_hazard(self._values(tables, ids)), ids)

    def predict_survival(
        self, tables: Mapping[str, pd.DataFrame], times: np.ndarray
    ) -> pd.DataFrame:
        ids = self._ids(tables)
        return pd.DataFrame(
            self.cox_.predict_survival(self._values(tables, ids), times), ids, times
        )


class Logistic(Standardised):
    def fit(self, tables: Mapping[str, pd.DataFrame], y: pd.Series) -> Self:
        self.logistic_ = LogisticRegression().fit(self._learn(tables, y.index), y)
        return self

    def predict_proba(self, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        ids = self._ids(tables)
        proba = self.logistic_.predict_proba(self._values(tables, ids))
        return pd.DataFrame(proba, ids, self.logistic_.classes_)


def make_cohort(patients: int = 200, *, seed: int = 0) -> Cohort:
    """Two informative tables and one of noise; a tenth of the patients lack ``rna``."""
    rng = np.random.default_rng(seed)
    ids = pd.Index([f"p{i:03d}" for i in rng.permutation(patients)], name="patient_id")
    tables = {
        name: pd.DataFrame(rng.normal(size=(patients, 3)), ids, ["a", "b", "c"])
        for name in ("clinical", "rna", "noise")
    }
    signal = tables["clinical"]["a"] + tables["rna"]["a"]
    died = rng.exponential(20, patients) * np.exp(-signal)
    left = rng.uniform(5, 60, patients)
    y = pd.DataFrame({"time": np.minimum(died, left), "event": died <= left})
    classes = pd.Series(np.where(signal + rng.normal(size=patients) > 0, "tumour", "normal"), ids)
    tables["rna"] = tables["rna"].iloc[patients // 10 :]
    return Cohort(tables, y, classes)


@pytest.fixture(scope="session", name="make_cohort")
def _make_cohort() -> Callable[..., Cohort]:
    return make_cohort


@pytest.fixture(scope="session")
def ridge_cox() -> type[RidgeCox]:
    return RidgeCox


@pytest.fixture(scope="session")
def logistic() -> type[Logistic]:
    return Logistic


@pytest.fixture(scope="session")
def cohort() -> Cohort:
    return make_cohort()
