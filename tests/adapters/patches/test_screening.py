"""Attention begins at a finding in few patches, and at random where there is none."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.stats import skew
from sklearn.metrics import roc_auc_score

from msfusion_adapters.patches import PatchesAdapter
from msfusion_adapters.patches.columns import learn_columns, reduced_bags
from msfusion_adapters.patches.objective import make_objective
from msfusion_adapters.patches.screening import look_all_ways, response_of, screen
from msfusion_sdk.bags import bag_table
from msfusion_sdk.fusion.inputs.targets import Target, target_of
from msfusion_sdk.outcomes.reading import read_outcome
from msfusion_sdk.survival import concordance_index

PATIENTS, PATCHES, FEATURES = 160, 60, 12
IDS = [f"P{number:03d}" for number in range(PATIENTS)]


class Planted(NamedTuple):
    bags: dict[str, NDArray[np.float64]]
    where: dict[str, NDArray[np.bool_]]
    risk: pd.Series


@pytest.fixture(scope="module")
def planted() -> Planted:
    """Bags, which patches lie apart in feature 3, and the risk that feature 7 has there."""
    rng = np.random.default_rng(0)
    risk = pd.Series(rng.normal(size=PATIENTS), IDS)
    bags, where = {}, {}
    for name in IDS:
        mine = rng.random(PATCHES) < 0.08
        mine[0] = True
        bag = rng.normal(size=(PATCHES, FEATURES))
        bag[mine, 3] += 4
        bag[mine, 7] += 2 * risk[name]
        bags[name], where[name] = bag, mine
    return Planted(bags, where, risk)


def survival_of(risk: pd.Series) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    died, left = rng.exponential(np.exp(-risk)), rng.exponential(2, len(risk))
    return pd.DataFrame({"time": np.minimum(died, left) + 1e-3, "event": died <= left}, risk.index)


def number_of(values: NDArray[np.float64]) -> Target:
    ids = [f"P{number:03d}" for number in range(len(values))]
    return target_of(read_outcome(pd.Series(values, ids)).of(ids))


def test_a_risk_in_few_patches_is_found(planted: Planted) -> None:
    bags, where, risk = planted
    y, table = survival_of(risk), bag_table(bags)
    learn, new = IDS[:110], IDS[110:]
    found = PatchesAdapter(members=2, n_components=12).fit(table.loc[learn], y.loc[learn])
    judged = {name: found.attention_.judge(bags[name]) for name in new}
    assert np.mean([roc_auc_score(where[n], judged[n].weights) for n in new]) > 0.95
    scores = np.array([judged[name].score[0] for name in new])
    time, event = y.loc[new, "time"], y.loc[new, "event"]
    known = concordance_index(time=time, event=event, risk=risk[new])
    assert concordance_index(time=time, event=event, risk=scores) > known - 0.08


def test_survival_that_the_patches_do_not_tell_is_not_predicted(planted: Planted) -> None:
    rng = np.random.default_rng(2)
    chance = []
    for _ in range(6):
        y = survival_of(pd.Series(rng.normal(size=PATIENTS), IDS))
        table = bag_table({name: planted.bags[name][:20] for name in IDS})
        scores = PatchesAdapter(members=2, n_components=6, random_state=0).fit_transform(table, y)
        risk = scores.values[:, 0]
        chance.append(concordance_index(time=y["time"], event=y["event"], risk=risk))
    # The deviation of a mean of six is 0.016; scores of those learned from have 0.9.
    assert 0.45 < np.mean(chance) < 0.57


def test_what_is_read_best_is_taken_with_the_slope_of_a_regression() -> None:
    rng = np.random.default_rng(0)
    seen = rng.normal(size=(400, 6, 3)).astype(np.float32)
    truth = 0.5 * seen[:, 4, 1] + rng.normal(size=400)
    target = number_of(truth)
    start = screen(seen, response_of(400, target, make_objective(target, "cox")))
    assert start is not None
    # Way 4 of 3 columns: where the second one is low.
    assert list(start.look) == [0, -2, 0]
    read = (seen[:, 4] @ start.read - start.level)[:, 0]
    assert np.corrcoef(read, seen[:, 4, 1])[0, 1] > 0.5
    slope, _ = np.polyfit(read, (truth - truth.mean()) / truth.std(), 1)
    assert slope == pytest.approx(1, rel=0.25)


def test_bags_that_are_all_alike_have_no_start() -> None:
    one = np.random.default_rng(0).normal(size=(9, 5))
    table = bag_table(dict.fromkeys(IDS[:30], one))
    y = survival_of(pd.Series(0.0, IDS[:30]))
    scores = PatchesAdapter(members=2, n_components=5).fit_transform(table, y)
    np.testing.assert_allclose(scores.values, 0, atol=1e-6)


def test_the_first_column_is_as_skewed_as_the_feature_that_was_planted(planted: Planted) -> None:
    bags = bag_table(planted.bags)["patches"]
    reduced = learn_columns(list(bags), FEATURES, np.random.default_rng(0)).reduced
    columns = reduced(np.concatenate(list(planted.bags.values())))
    skews = skew(columns)
    assert skews[0] == pytest.approx(
        skew(np.concatenate(list(planted.bags.values()))[:, 3]), rel=0.1
    )
    assert skews[0] > 2 * np.abs(skews[1:]).max()
    # A rotation of whitened columns: none says anything of another.
    np.testing.assert_allclose(np.cov(columns.T), np.eye(FEATURES), atol=0.05)


@pytest.mark.parametrize("kind", ["normal", "signs", "one column"])
def test_patches_without_any_skew_have_columns_as_well(kind: str) -> None:
    half = np.random.default_rng(0).normal(size=(32, 5))
    half = {"normal": half, "signs": np.sign(half), "one column": half[:, :1]}[kind]
    bags = bag_table({f"P{n}": np.concatenate([half, -half]) for n in range(3)})["patches"]
    columns = learn_columns(list(bags), 5, np.random.default_rng(0)).reduced(
        np.concatenate([half, -half])
    )
    rotated = columns.T @ columns / len(columns)
    np.testing.assert_allclose(rotated, np.eye(half.shape[1]), atol=1e-5)


def test_what_is_seen_is_the_weighed_mean(planted: Planted) -> None:
    bags = list(bag_table({n: planted.bags[n] for n in IDS[:5]})["patches"])
    reduced = learn_columns(bags, FEATURES, np.random.default_rng(0)).reduced
    with reduced_bags(bags, reduced) as columns:
        seen = look_all_ways(columns)
    patches = reduced(planted.bags["P002"]).astype(np.float16).astype(float)
    for way, sign in ((5, 1), (FEATURES + 5, -1)):
        weights = np.exp(2 * sign * patches[:, 5])
        mean = sum(w * row for w, row in zip(weights, patches, strict=True)) / weights.sum()
        np.testing.assert_allclose(seen[2, way], mean, atol=1e-5)


def test_of_survival_martingale_residuals_decide() -> None:
    y = pd.DataFrame({"time": [3.0, 1.0, 2.0, 4.0], "event": [True, True, False, True]}, IDS[:4])
    target = target_of(read_outcome(y).of(IDS[:4]))
    found = response_of(4, target, make_objective(target, "cox"))
    # Hazards 1/4 at 1, 1/2 at 3 and 1 at 4, by Nelson and Aalen.
    expected = [1 - 1 / 4 - 1 / 2, 1 - 1 / 4, -1 / 4, 1 - 1 / 4 - 1 / 2 - 1]
    np.testing.assert_allclose(found.residuals[:, 0], expected, atol=1e-6)
    np.testing.assert_allclose(found.information, np.mean(np.square(expected)), atol=1e-6)
