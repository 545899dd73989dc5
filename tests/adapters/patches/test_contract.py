"""The adapter of patches keeps the contract, with each head and each kind of outcome."""

import numpy as np
import pandas as pd

from msfusion_adapters.patches import PatchesAdapter
from msfusion_sdk.adapter import ModalityAdapter
from msfusion_sdk.bags import bag_table
from msfusion_sdk.testing import AdapterContract

IDS = [f"P{number:03d}" for number in range(24)]


def bags() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return bag_table({name: rng.normal(size=(6 + n % 3, 12)) for n, name in enumerate(IDS)})


class TestClasses(AdapterContract):
    def adapter(self) -> ModalityAdapter:
        return PatchesAdapter(members=2, n_components=4)

    def table(self) -> pd.DataFrame:
        return bags()

    def outcome(self) -> pd.Series:
        return pd.Series(["luad", "lusc"] * 12, IDS)


class TestSurvival(TestClasses):
    def adapter(self) -> ModalityAdapter:
        return PatchesAdapter(members=2, n_components=4, loss="discrete")

    def outcome(self) -> pd.DataFrame:  # type: ignore[override]
        time = np.random.default_rng(1).exponential(10, len(IDS))
        return pd.DataFrame({"time": time, "event": [True, True, False] * 8}, IDS)
