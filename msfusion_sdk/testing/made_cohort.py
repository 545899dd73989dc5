"""A small cohort that is made up from beginning to end: slides and the tables that go with them."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from msfusion_sdk.testing.synthetic import make_slide

__all__ = ["MadeCohort", "make_cohort"]

_SIZE = (4000, 3200)
_GENES = 12
_EFFECT = 2.2


class MadeCohort(NamedTuple):
    """Where the tables lie, CSV files."""

    patients: Path
    """``patient_id``, ``time_months``, ``event`` and ``diagnosis``."""
    slides: Path
    """``slide_id``, ``patient_id`` and ``path``."""
    clinical: Path
    """``age`` and ``stage`` of most patients."""
    genomics: Path
    """Twelve genes of most patients."""


def make_cohort(
    folder: str | Path, *, n_patients: int = 60, n_slides: int = 12, seed: int = 0
) -> MadeCohort:
    """Write slides and tables of patients who never lived.

    Age and two genes shorten the time to the event, another gene tells the diagnosis, and the
    slides tell nothing.  Every eighth patient lacks clinical data, every tenth genes, and the file
    of the last slide is empty, as after a copy that did not finish.

    Parameters
    ----------
    folder : path
        Made if it is not there.
    n_patients : int
        Rows of the table of patients.
    n_slides : int
        Of as many patients, at most ``n_patients``.
    seed : int
        Equal ones give equal tables and slides.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    ids = pd.Index([f"P{number:03d}" for number in range(1, n_patients + 1)], name="patient_id")
    age, genes = rng.normal(65, 9, n_patients), rng.normal(size=(n_patients, _GENES))
    hazard = np.exp(_EFFECT * ((age - 65) / 9 + genes[:, 0] + genes[:, 1]) / np.sqrt(3))
    died, left = rng.exponential(30 / hazard) + 0.5, rng.uniform(6, 72, n_patients)
    leans = genes[:, 2] + 0.5 * rng.normal(size=n_patients)
    tables = {
        "patients": pd.DataFrame(
            {
                "time_months": np.minimum(died, left).round(1),
                "event": (died <= left).astype(int),
                "diagnosis": np.where(leans > 0, "luad", "lusc"),
            },
            ids,
        ),
        "slides": _make_slides(folder, ids[:n_slides], seed),
        "clinical": pd.DataFrame(
            {"age": age.round(), "stage": rng.choice(["I", "II", "III"], n_patients)}, ids
        ).drop(ids[::8]),
        "genomics": pd.DataFrame(
            genes.round(3), ids, [f"GENE{number:02d}" for number in range(1, _GENES + 1)]
        ).drop(ids[4::10]),
    }
    paths = {name: folder / f"{name}.csv" for name in tables}
    for name, table in tables.items():
        table.to_csv(paths[name])
    return MadeCohort(**paths)


def _make_slides(folder: Path, patients: pd.Index, seed: int) -> pd.DataFrame:
    names = [f"slide_{patient}" for patient in patients]
    for number, name in enumerate(names):
        make_slide(folder / f"{name}.svs", *_SIZE, coverage=0.45, seed=seed + number)
    if names:
        (folder / f"{names[-1]}.svs").write_bytes(b"")
    rows = {"patient_id": patients, "path": [f"{name}.svs" for name in names]}
    return pd.DataFrame(rows, pd.Index(names, name="slide_id"))
