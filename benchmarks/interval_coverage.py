"""How often 95 % intervals of an evaluation hold what they are about.

    python benchmarks/interval_coverage.py [--simulations 200] [--patients 160 60]

Intervals are conditional on the fitted models: they say how far a value depends on who was judged.
What they are about is therefore the C-index of the same fitted models on 3,000 other patients, mean
over folds, and the difference of two models there.  Each simulation makes patients, evaluates a Cox
model of three columns and one of a single column, and looks whether both intervals hold the truth.
"""

import argparse
import statistics
import warnings

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

from msfusion_sdk import evaluate
from msfusion_sdk.survival.cox.cox import fit_cox
from msfusion_sdk.survival.metrics.concordance import concordance_index

OTHERS = 3000
FOLDS = 3


class Cox(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """A ridge Cox model of the first columns."""

    def __init__(self, columns: int = 1) -> None:
        self.columns = columns

    def fit(self, X: dict[str, pd.DataFrame], y: pd.DataFrame) -> "Cox":  # noqa: N803
        """Learn from the patients of y."""
        values = X["table"].loc[y.index].iloc[:, : self.columns]
        self.fit_ = fit_cox(values, time=y["time"], event=y["event"], penalty=0.01)
        return self

    def predict_risk(self, X: dict[str, pd.DataFrame]) -> pd.Series:  # noqa: N803
        """Return log-hazards."""
        table = X["table"].iloc[:, : self.columns]
        return pd.Series(self.fit_.predict_log_hazard(table), table.index)

    def predict_survival(
        self,
        X: dict[str, pd.DataFrame],  # noqa: N803
        times: np.ndarray,
    ) -> pd.DataFrame:
        """Return curves."""
        table = X["table"].iloc[:, : self.columns]
        return pd.DataFrame(self.fit_.predict_survival(table, times), table.index, times)


MODELS = {"three": Cox(3), "one": Cox(1)}


def made(patients: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return columns and outcomes."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(patients, 3)), columns=list("abc"))
    death = rng.exponential(np.exp(-table.to_numpy() @ [0.8, 0.4, 0.2]))
    last = rng.exponential(2.0, patients)
    y = pd.DataFrame({"time": np.minimum(death, last), "event": death <= last})
    ids = [f"P{number:05d}" for number in range(patients)]
    return table.set_axis(ids), y.set_axis(ids)


def truth(model: Cox, table: pd.DataFrame, y: pd.DataFrame, others: int) -> float:
    """Return the concordance of one fitted model on other patients."""
    fitted = clone(model).fit({"table": table}, y)
    new, new_y = made(OTHERS, others)
    risk = fitted.predict_risk({"table": new})
    return concordance_index(time=new_y["time"], event=new_y["event"], risk=risk)


def simulate(patients: int, seed: int) -> dict[str, bool | None]:
    """Return whether each interval holds the truth; None where there is no interval."""
    table, y = made(patients, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = evaluate(MODELS, {"table": table}, y, folds=FOLDS, baselines=False)
    true = {
        name: statistics.fmean(
            [
                truth(model, table.loc[list(f.train_ids)], y.loc[list(f.train_ids)], 10**6 + seed)
                for f in found.folds
            ]
        )
        for name, model in MODELS.items()
    }
    c_index = found.summary.query("metric == 'c_index' and model == 'three'").iloc[0]
    # A difference is the first model minus the other.
    less = found.differences.query("metric == 'c_index' and model == 'one'").iloc[0]
    return {
        "C": _holds(c_index, true["three"]),
        "difference": _holds(less, true["three"] - true["one"]),
    }


def _holds(row: "pd.Series[float]", value: float) -> bool | None:
    if pd.isna(row["lower"]):
        return None
    return bool(row["lower"] <= value <= row["upper"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--patients", type=int, nargs="+", default=[160, 60])
    args = parser.parse_args()
    for patients in args.patients:
        rows = pd.DataFrame([simulate(patients, seed) for seed in range(args.simulations)])
        shown = ", ".join(
            f"{name} {rows[name].dropna().mean():.1%} of {rows[name].notna().sum()}"
            for name in rows
        )
        print(f"{patients} patients, {FOLDS} folds: {shown}", flush=True)


if __name__ == "__main__":
    main()
