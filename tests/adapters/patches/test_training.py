"""Patches of a step are dropped by chance, and a training can be stopped and gone on with."""

import numpy as np
import pandas as pd
import pytest
import torch

from msfusion_adapters.patches import training
from msfusion_adapters.patches.columns import ReducedBags
from msfusion_adapters.patches.objective import make_objective
from msfusion_adapters.patches.training import Side, Training
from msfusion_sdk.bags.heads import make_head
from msfusion_sdk.fusion.inputs.targets import target_of
from msfusion_sdk.outcomes.reading import read_outcome

SIZES = np.array([1, 4, 9, 30])


def made() -> ReducedBags:
    """Bags whose first column numbers the patches of all."""
    rows = np.random.default_rng(0).normal(size=(SIZES.sum(), 3)).astype(np.float16)
    rows[:, 0] = np.arange(len(rows))
    return ReducedBags(rows, SIZES.cumsum(), np.zeros((len(SIZES), 3)))


def training_of(bags: ReducedBags) -> Training:
    torch.manual_seed(0)
    ids = [f"P{number}" for number in range(4)]
    target = target_of(read_outcome(pd.Series([0.0, 1.0, 5.0, 2.0], ids)).of(ids))
    learn, stop = np.array([1, 2]), np.array([0, 3])
    sides = Side(learn, target.rows(learn)), Side(stop, target.rows(stop))
    rng = np.random.default_rng(0)
    objective = make_objective(target, "cox")
    return Training(make_head("mean", 3, 1), objective, bags, *sides, most=8, rng=rng)


def test_half_of_what_is_drawn_is_kept_and_one_patch_at_least() -> None:
    patches, there = made().drawn(np.arange(4), 8, np.random.default_rng(0), 0.5)
    assert there.sum(1).tolist() == [1, 2, 4, 4]
    for place, (own, start) in enumerate(zip(SIZES, SIZES.cumsum() - SIZES, strict=True)):
        rows = patches[place][there[place]][:, 0].tolist()
        assert len(set(rows)) == len(rows)
        assert set(rows) <= set(range(start, start + own))
    assert not patches[~there].any()


def test_each_patch_is_kept_as_often_as_any_other() -> None:
    bags, rng, count = made(), np.random.default_rng(0), np.zeros(30)
    for _ in range(1000):
        patches, _ = bags.drawn(np.array([3]), 8, rng, 0.5)
        count[patches[0, :, 0].int().numpy() - 14] += 1
    # 4 of 30 in each draw: 133 with a deviation of 11.
    assert count.min() > 133 - 50
    assert count.max() < 133 + 50


def test_a_training_in_two_parts_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "EPOCHS", 6)
    expected = training_of(made()).finished().state_dict()
    parts = training_of(made())
    parts.go_on(2)
    for name, value in parts.finished().state_dict().items():
        torch.testing.assert_close(value, expected[name])


def test_what_is_hardly_gained_does_not_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "EPOCHS", 60)
    monkeypatch.setattr(training, "PATIENCE", 5)
    trained, losses = training_of(made()), iter(1 - 1e-5 * np.arange(100))
    monkeypatch.setattr(trained, "_judged_loss", lambda: next(losses))
    trained._gained = trained.loss = 1.0
    trained.finished()
    assert next(losses) == pytest.approx(1 - 5e-5)
    assert trained.loss == pytest.approx(1 - 4e-5)
