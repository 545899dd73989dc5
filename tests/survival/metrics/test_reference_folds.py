"""Published and independently measured values on real patients, fold by fold.

The reference holds six digits, so a value that agrees differs by at most half of the last.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk.survival.cox.cox import fit_cox
from msfusion_sdk.survival.metrics.concordance import concordance_index

SIX_DIGITS = 5.001e-7


def reference(folder: Path, cohort: str, model: str) -> list[float]:
    table = pd.read_csv(folder / "reference_folds.csv")
    rows = table[(table["cohort"] == cohort) & (table["model"] == model)].sort_values("fold")
    assert rows["fold"].tolist() == [0, 1, 2, 3, 4]
    return rows["c_index"].tolist()


def read_patients(folder: Path, cohort: str, other: str) -> pd.DataFrame:
    patients = pd.read_parquet(folder / cohort / "clinical.parquet")
    return patients.merge(pd.read_parquet(folder / cohort / f"{other}.parquet"), on="patient_id")


def counted_pairs(rows: pd.DataFrame) -> Fraction:
    """Return the concordance as a ratio of whole numbers, every pair in turn."""
    twice_won = pairs = 0
    patients = list(zip(rows["time_months"], rows["event"], rows["risk"], strict=True))
    for time, event, risk in patients:
        if not event:
            continue
        for other_time, other_event, other_risk in patients:
            if other_time > time or (other_time == time and not other_event):
                pairs += 1
                tied = abs(risk - other_risk) <= 1e-8
                twice_won += 1 if tied else 2 * (risk > other_risk)
    return Fraction(twice_won, 2 * pairs)


@pytest.mark.parametrize("cohort", ["brca", "gbmlgg", "luad"])
def test_published_slide_risks_have_the_published_concordance(shared: Path, cohort: str) -> None:
    folder = shared / "data" / "tcga"
    patients = read_patients(folder, cohort, "wsi_risk")
    for fold, expected in enumerate(reference(folder, cohort, "AMIL (WSI)")):
        rows = patients[patients["fold"] == fold]
        time, event, risk = (rows[name].to_numpy() for name in ("time_months", "event", "risk"))
        found = concordance_index(time=time, event=event, risk=risk)
        assert found == pytest.approx(expected, abs=SIX_DIGITS)
        assert found == pytest.approx(float(counted_pairs(rows)), abs=1e-12)


@pytest.mark.parametrize("cohort", ["brca", "gbmlgg", "luad", "kirc", "kirp"])
def test_age_and_sex_have_the_concordance_of_scikit_survival(shared: Path, cohort: str) -> None:
    # Its alpha = 1 is not divided by the number of patients; our penalty is.
    folder = shared / "data" / "tcga"
    patients = read_patients(folder, cohort, "folds")
    for fold, expected in enumerate(reference(folder, cohort, "age+sex Cox")):
        test = (patients["fold"] == fold).to_numpy()
        values = age_and_sex(patients, ~test)
        time, event = patients["time_months"].to_numpy(), patients["event"].to_numpy()
        labels = {"time": time[~test], "event": event[~test]}
        fit = fit_cox(values[~test], **labels, penalty=1 / (~test).sum(), ties="breslow")
        risk = fit.predict_log_hazard(values[test])
        found = concordance_index(time=time[test], event=event[test], risk=risk)
        assert found == pytest.approx(expected, abs=SIX_DIGITS)


def age_and_sex(patients: pd.DataFrame, training: np.ndarray) -> np.ndarray:
    """Return both, filled and standardised by the training patients."""
    age = patients["age"].fillna(patients["age"][training].median())
    sex = patients["sex"].fillna(patients["sex"][training].mode()[0]) == "male"
    values = np.column_stack([age, sex]).astype(float)
    return (values - values[training].mean(0)) / values[training].std(0)
