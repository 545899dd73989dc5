"""Hazards of time bins with late entry, counted by hand."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from msfusion_adapters.patches.objective import make_objective
from msfusion_sdk.fusion.inputs.targets import SurvivalTarget
from msfusion_sdk.outcomes.survival import survival_outcome


def test_a_bin_before_the_entry_adds_nothing() -> None:
    # Eight events at 1..8 make bins that end at 1.875, ...; the ninth comes at 5.5, dies at 8.
    time, entry = [*range(1, 9), 8.5], [0.0] * 8 + [5.5]
    ids = [f"p{number}" for number in range(9)]
    table = pd.DataFrame({"time": time, "event": [True] * 8 + [False], "entry": entry}, ids)
    target = SurvivalTarget(survival_outcome(table))
    objective = make_objective(target, "discrete")
    edges = np.quantile(range(1, 9), np.arange(1, 8) / 8)
    own = [int((edges <= t).sum()) for t in time]
    came = [int((edges <= t).sum()) for t in entry]
    loss = 0.0
    there = [sum(c <= k <= o for c, o in zip(came, own, strict=True)) for k in range(8)]
    died = [sum(o == k for o in own[:8]) for k in range(8)]
    hazard = [(d + 0.5) / (n + 1) for d, n in zip(died, there, strict=True)]
    for patient in range(9):
        loss -= sum(math.log(1 - hazard[k]) for k in range(came[patient], own[patient]))
        loss -= math.log(hazard[own[patient]]) if patient < 8 else 0
    found = objective(torch.zeros(9, 1), target).item()
    assert found == pytest.approx(loss / 9, rel=1e-5)
