"""The adapter keeps the contract of every adapter, and does what it is for."""

import numpy as np
import pandas as pd
from acme_radiology import RadiologyAdapter

from msfusion_sdk.adapter import ModalityAdapter
from msfusion_sdk.testing import AdapterContract


class TestRadiologyAdapter(AdapterContract):
    """Every clause of the contract."""

    def adapter(self) -> ModalityAdapter:
        """Return the adapter under test."""
        return RadiologyAdapter()

    def table(self) -> pd.DataFrame:
        """Return twenty patients with up to five lesions each."""
        rng = np.random.default_rng(0)
        owners = [f"P{number:02d}" for number in range(20) for _ in range(1 + number % 5)]
        diameters = rng.gamma(2, 10, len(owners))
        lesions = pd.DataFrame({"patient_id": owners, "diameter_mm": diameters})
        return RadiologyAdapter().read(lesions)


def test_lesions_are_counted_from_the_smallest_on() -> None:
    lesions = pd.DataFrame({"patient_id": ["a", "a", "a", "b"], "diameter_mm": [4, 10, 20, 3]})
    table = RadiologyAdapter().read(lesions)
    assert table.loc["a"].tolist() == [2, 20, 30]  # type: ignore[operator]
    assert table.loc["b"].tolist() == [0, 0, 0]  # type: ignore[operator]
