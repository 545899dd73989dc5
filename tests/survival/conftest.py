"""Made patients for the survival tests."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest


class Patients(NamedTuple):
    time: np.ndarray
    event: np.ndarray
    risk: np.ndarray
    values: np.ndarray


@pytest.fixture(scope="session")
def make_patients() -> Callable[..., Patients]:
    """Patients whose hazard depends on the first feature; whole months, so times are tied."""

    def make(count: int, *, seed: int = 0, features: int = 3, months: int | None = 12) -> Patients:
        rng = np.random.default_rng(seed)
        values = rng.normal(size=(count, features))
        risk = values[:, 0].round(1)
        died, left = rng.exponential(8, count) * np.exp(-risk), rng.exponential(10, count)
        time, event = np.minimum(died, left), died <= left
        if months is not None:
            time = np.minimum(np.ceil(time), months)
        return Patients(time, event, risk, values)

    return make
