"""Patches of a step are dropped by chance; heads go at one pace, and the others stop each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from msfusion_adapters.patches import PatchesAdapter, training
from msfusion_adapters.patches.columns import ReducedBags
from msfusion_adapters.patches.objective import make_objective
from msfusion_adapters.patches.training import Side, Together, Training
from msfusion_sdk.bags import bag_table
from msfusion_sdk.bags.heads import make_head
from msfusion_sdk.errors import SettingError
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


def test_a_training_in_two_parts_is_the_same() -> None:
    whole = Together([training_of(made())])
    whole.go_on(6)
    parts = Together([training_of(made())])
    parts.go_on(2)
    parts.go_on(6)
    for name, value in parts.head(0).state_dict().items():
        torch.testing.assert_close(value, whole.head(0).state_dict()[name])


class Scripted:
    """A training whose head counts its steps, and whose losses are known beforehand."""

    def __init__(self, losses: Sequence[float]) -> None:
        self.head, self._losses = torch.nn.Linear(1, 1), losses
        self.steps = 0

    def step(self) -> None:
        self.steps += 1
        with torch.no_grad():
            self.head.weight.fill_(self.steps)

    def loss(self) -> float:
        return self._losses[self.steps]


def together(*losses: Sequence[float]) -> tuple[Together, list[Any]]:
    scripted: list[Any] = [Scripted(one) for one in losses]
    return Together(scripted), scripted


def test_the_patients_of_the_others_stop_a_head() -> None:
    first, second, third = [9.0, 1, 8, 8], [9.0, 8, 2, 7], [9.0, 8, 6, 5]
    trained, _ = together(first, second, third)
    trained.go_on(3)
    # Means of the other two, step by step: 9, 8, 4, 6; then 9, 4.5, 7, 6.5; then 9, 4.5, 5, 7.5.
    assert list(trained.losses) == [4, 4.5, 4.5]
    assert [trained.head(member).weight.item() for member in range(3)] == [2, 1, 1]


def test_a_head_alone_is_stopped_by_its_own() -> None:
    trained, _ = together([3.0, 2, 1, 2])
    trained.go_on(3)
    assert list(trained.losses) == [1]
    assert trained.head(0).weight.item() == 2


def test_what_is_hardly_gained_does_not_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "PATIENCE", 5)
    trained, (one, _) = together(*[list(1 - 1e-5 * np.arange(100))] * 2)
    trained.go_on(60)
    assert one.steps == 5
    assert trained.losses[0] == pytest.approx(1 - 5e-5)


@pytest.mark.parametrize(
    ("name", "value"),
    [("members", 1), ("members", 0), ("members", 2.5), ("max_patches", 0), ("n_components", 0)],
)
def test_settings_with_which_nothing_can_be_learned_are_refused(name: str, value: Any) -> None:
    bags = {f"P{n}": np.random.default_rng(n).normal(size=(6, 4)) for n in range(8)}
    y = pd.Series(["a", "b"] * 4, list(bags))
    with pytest.raises(SettingError, match=f"{name} must be a whole number from . on, and is"):
        PatchesAdapter(**{name: value}).fit(bag_table(bags), y)


def test_one_patch_that_is_out_of_all_bounds_does_no_harm() -> None:
    # In few bags, so that the sample that columns are learned from may not hold it.
    rng = np.random.default_rng(0)
    bags = {f"P{n:02d}": rng.normal(size=(300, 4)) for n in range(30)}
    for bag in bags.values():
        bag[:, 3] *= 1e-4
    bags["P03"][7, 3] = 100
    y = pd.Series(["a", "b"] * 15, list(bags))
    fitted = PatchesAdapter(members=2).fit(bag_table(bags), y)
    assert np.isfinite(fitted.transform(bag_table(bags)).values).all()


def test_the_same_bytes_as_longer_vectors_are_learned_anew() -> None:
    short = {f"P{n}": np.random.default_rng(n).normal(size=(12, 2)) for n in range(8)}
    y = pd.Series(["a", "b"] * 4, list(short))
    long = {name: bag.reshape(6, 4) for name, bag in short.items()}
    for bags, features in ((short, 2), (long, 4)):
        assert PatchesAdapter(members=2).fit(bag_table(bags), y).attention_.features == features
