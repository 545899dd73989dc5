"""Made patients with three modalities."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk.fusion.strategies import network_fusers as networks


@pytest.fixture(autouse=True)
def few_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two networks instead of five: what is tested does not depend on how many there are."""
    monkeypatch.setattr(networks, "NETWORKS", 2)


class Made(NamedTuple):
    """Patients, their tables and their outcomes."""

    tables: dict[str, pd.DataFrame]
    survival: pd.DataFrame
    classes: "pd.Series[str]"


@pytest.fixture(scope="session")
def make_patients() -> Callable[..., Made]:
    """A function that makes patients; each table knows a part of what decides their outcome."""

    def make(patients: int = 80, *, seed: int = 0) -> Made:
        rng = np.random.default_rng(seed)
        numbers = rng.permutation(patients)
        ids = pd.Index([f"P{number:03d}" for number in numbers], name="patient_id")
        a, b = rng.normal(size=(2, patients))
        noise = rng.normal(size=(patients, 7))
        tables = {
            "panel": pd.DataFrame({"a": a, "noise": noise[:, 0]}, index=ids),
            "genes": pd.DataFrame(noise[:, 1:6] + b[:, None], index=ids).add_prefix("g"),
            "images": pd.DataFrame({"ab": a + b + noise[:, 6]}, index=ids),
        }
        death, left = rng.exponential(np.exp(-a - b)), rng.exponential(2.0, patients)
        survival = pd.DataFrame(
            {"time": np.minimum(death, left), "event": death <= left}, index=ids
        )
        group = np.where(a + b + rng.normal(size=patients) > 0, "lusc", "luad")
        return Made(tables, survival, pd.Series(group, index=ids))

    return make
