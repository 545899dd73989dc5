"""What tells who a patient is does not leave; what medicine measures does."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from msfusion_sdk.cohort.export.private_columns import plain, why_private

PATIENTS = 40
RNG = np.random.default_rng(0)
DAYS = pd.to_datetime("2015-01-01") + pd.to_timedelta(RNG.integers(0, 3000, PATIENTS), "D")
FEW_DAYS = DAYS[np.arange(PATIENTS) % 4]  # so that only what they are gives them away


def column(values: object) -> pa.Array:
    return pa.array(values, from_pandas=True)


PERSONAL = {
    "dates": ("day", DAYS),
    "dates as text": ("seen", FEW_DAYS.strftime("%Y-%m-%d")),
    "dates with dots": ("seen", FEW_DAYS.strftime("%d.%m.%Y")),
    "dates with slashes": ("seen", FEW_DAYS.strftime("%m/%d/%y")),
    "dates in words": ("seen", FEW_DAYS.strftime("%d %B %Y")),
    "dates within text": ("remark", ["relapse 11.3.2019", *["none"] * (PATIENTS - 1)]),
    "one date of SAS": ("stage", ["05MAR2019", *["II"] * (PATIENTS - 1)]),
    "one date of France": ("stage", ["1er mars 2019", *["II"] * (PATIENTS - 1)]),
    "days of SAS": ("visit_date", 21_000 + np.arange(PATIENTS) % 4),
    "what somebody wrote": ("clinicalNotes", ["married his nurse", *["none"] * (PATIENTS - 1)]),
    "a month": ("seen", FEW_DAYS.strftime("%Y-%m")),
    "dates as numbers": ("operated", FEW_DAYS.strftime("%Y%m%d").astype(int)),
    "dates as numbers, gaps": ("x", [None, *FEW_DAYS[1:].strftime("%Y%m%d").astype(float)]),
    "dates as numbers, day first": ("x", FEW_DAYS.strftime("%d%m%Y").astype(int)),
    "times of Unix": ("x", FEW_DAYS.astype("int64") // 10**9),
    "times in milliseconds": ("x", (FEW_DAYS.astype("int64") // 10**6).astype(float)),
    "a year of birth by name": ("date_of_birth", [1950 + n % 3 for n in range(PATIENTS)]),
    "record numbers": ("x", RNG.permutation(np.arange(200_000, 900_000))[:PATIENTS]),
    "record numbers as text": ("x", [f"{n:07d}" for n in RNG.integers(0, 10**7, PATIENTS)]),
    "running numbers": ("x", RNG.permutation(PATIENTS) + 1),
    "numbers by name": ("case_no", np.arange(PATIENTS) * 3 % 97),
    "telephone": ("x", ["+49 89 1234567", "089/123 45 67"] * (PATIENTS // 2)),
    "telephone as number": ("phone", [49891234567] * PATIENTS),
    "e-mail": ("x", ["a.b@example.org"] * PATIENTS),
    "postcode as text": ("x", ["01067", "80331"] * (PATIENTS // 2)),
    "postcode as number": ("plz", [80331, 10115] * (PATIENTS // 2)),
    "postcode of Britain": ("x", ["SW1A 1AA", "M1 1AE"] * (PATIENTS // 2)),
    "postcode of the Netherlands": ("x", ["1234 AB"] * PATIENTS),
    "web address": ("x", ["https://hospital.example/p/7"] * PATIENTS),
    "address of a computer": ("x", ["10.20.30.40"] * PATIENTS),
    "names": ("x", [f"name {n}" for n in range(PATIENTS)]),
    "names that are shared": ("patientName", ["Schmidt", "Meier"] * (PATIENTS // 2)),
    "names of France": ("prénom", ["Anne", "Jean"] * (PATIENTS // 2)),
    "physicians": ("physician", ["Dr. X", "Dr. Y"] * (PATIENTS // 2)),
    "long text": ("x", ["y" * 65] * PATIENTS),
    "lists": ("x", [[1, 2]] * PATIENTS),
}

MEDICINE = {
    "age": ("age", RNG.integers(30, 90, PATIENTS)),
    "age in days": ("days_to_birth", -RNG.integers(10_000, 30_000, PATIENTS)),
    "years": ("year_of_diagnosis", RNG.integers(1998, 2020, PATIENTS)),
    "stage": ("stage", ["IIA", "IIIB"] * (PATIENTS // 2)),
    "codes": ("morphology", ["8140/3", "8070/3"] * (PATIENTS // 2)),
    "diagnosis": ("icd", ["C34.1", "C34.9"] * (PATIENTS // 2)),
    "receptor": ("her2", ["0", "1+", "2+", "3+"] * (PATIENTS // 4)),
    "expression": ("TP53", RNG.lognormal(3, 2, PATIENTS)),
    "counts": ("EGFR", RNG.negative_binomial(2, 0.001, PATIENTS)),
    "laboratory": ("crp", np.round(RNG.gamma(2, 20, PATIENTS), 1)),
    "months": ("time_months", np.round(RNG.exponential(40, PATIENTS), 2)),
    "flags": ("event", RNG.random(PATIENTS) < 0.5),
    "flags as numbers": ("smoker", RNG.integers(0, 2, PATIENTS)),
    "mutation": ("kras", ["p.G12C", "wild type"] * (PATIENTS // 2)),
    "tumour size": ("size_mm", RNG.integers(3, 120, PATIENTS)),
    "doses": ("x", ["5 mg", "10 mg 20"] * (PATIENTS // 2)),
    "signs": ("her2", ["+", "-"] * (PATIENTS // 2)),
    "ages of few": ("age", [61, 58, 49, 70, 66]),
    "ratio": ("x", ["1:10", "1:20"] * (PATIENTS // 2)),
}


@pytest.mark.parametrize("what", PERSONAL)
def test_what_is_personal_is_recognised(what: str) -> None:
    name, values = PERSONAL[what]
    assert why_private(name, plain(column(values)))


@pytest.mark.parametrize("what", MEDICINE)
def test_what_medicine_measures_is_left_alone(what: str) -> None:
    name, values = MEDICINE[what]
    assert why_private(name, plain(column(values))) is None
