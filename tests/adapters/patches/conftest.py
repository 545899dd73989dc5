"""Attention is trained for a few steps: what is tested does not depend on how many."""

import pytest

from msfusion_adapters.patches import fitting, training


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "EPOCHS", 3)
    monkeypatch.setattr(fitting, "_LEARNED", {})
