"""Folds: disjoint, complete, stratified, and no group or site on both sides."""

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk.errors import (
    DegenerateSplitError,
    DuplicateIdError,
    IdMismatchError,
    IdTypeError,
    InputTypeError,
)
from msfusion_sdk.evaluation.folds.folds import Fold, fold_counts, make_folds, split_hash
from msfusion_sdk.outcomes.reading import read_outcome


@pytest.fixture
def y() -> pd.DataFrame:
    """100 patients, 23 events."""
    ids = pd.Index([f"p{i:03d}" for i in range(100)])
    return pd.DataFrame({"time": np.arange(1.0, 101), "event": np.arange(100) < 23}, ids)


def test_every_patient_is_judged_once_and_never_by_a_model_that_saw_them(y: pd.DataFrame) -> None:
    folds = make_folds(y, folds=5)
    assert sorted(p for fold in folds for p in fold.test_ids) == sorted(y.index)
    assert all(set(f.train_ids) == set(y.index) - set(f.test_ids) for f in folds)


def test_events_are_spread_evenly(y: pd.DataFrame) -> None:
    counts = fold_counts(make_folds(y, folds=5), read_outcome(y))
    assert sorted(counts["test event"]) == [4, 4, 5, 5, 5]
    assert set(counts["test"]) <= {19, 20, 21}
    assert list(counts["train event"] + counts["test event"]) == [23] * 5


def test_classes_are_spread_evenly(y: pd.DataFrame) -> None:
    labels = pd.Series(["a"] * 50 + ["b"] * 40 + ["c"] * 10, y.index)
    counts = fold_counts(make_folds(labels, folds=5), read_outcome(labels))
    assert set(counts["test class 'c'"]) == {2}
    assert set(counts["test class 'b'"]) == {8}


def test_groups_never_straddle(y: pd.DataFrame) -> None:
    patient = pd.Series([f"patient-{i // 3}" for i in range(100)], y.index)
    for fold in make_folds(y, groups=patient):
        assert not set(patient[list(fold.train_ids)]) & set(patient[list(fold.test_ids)])


def test_site_preserved_folds_share_no_site_and_are_balanced(y: pd.DataFrame) -> None:
    rng = np.random.default_rng(0)
    site = pd.Series(rng.integers(0, 20, 100), y.index)
    folds = make_folds(y, site=site)
    for fold in folds:
        assert not set(site[list(fold.train_ids)]) & set(site[list(fold.test_ids)])
    assert min(len(fold.test_ids) for fold in folds) >= 15


def test_a_group_at_two_sites_joins_them(y: pd.DataFrame) -> None:
    site = pd.Series([f"s{i // 10}" for i in range(100)], y.index)
    groups = pd.Series([f"g{i}" for i in range(100)], y.index)
    groups.iloc[[5, 15]] = "both"
    folds = make_folds(y, site=site, groups=groups)
    together = set(y.index[:20])
    assert any(together <= set(fold.test_ids) for fold in folds)


def test_order_of_input_changes_nothing(y: pd.DataFrame) -> None:
    site = pd.Series(np.arange(100) % 17, y.index)
    shuffled = y.sample(frac=1, random_state=3)
    assert make_folds(y) == make_folds(shuffled)
    assert make_folds(y, site=site) == make_folds(shuffled, site=site.sample(frac=1))


def test_the_seed_decides(y: pd.DataFrame) -> None:
    assert make_folds(y, random_state=1) == make_folds(y, random_state=1)
    assert make_folds(y, random_state=1) != make_folds(y, random_state=2)


@pytest.mark.parametrize("seed", [None, -1, 1.5, "x", np.random.RandomState(0)])
def test_folds_that_could_not_be_made_again_are_refused(y: pd.DataFrame, seed: object) -> None:
    with pytest.raises(InputTypeError, match="random_state=0"):
        make_folds(y, random_state=seed)


def test_the_hash_depends_on_ids_and_not_on_their_order(y: pd.DataFrame) -> None:
    folds = make_folds(y)
    turned = [Fold(f.train_ids[::-1], f.test_ids[::-1]) for f in folds]
    assert split_hash(folds) == split_hash(turned)
    assert split_hash(folds) != split_hash(make_folds(y, random_state=1))
    # printf '[[["a"],["b"]],[["b"],["a"]]]' | sha256sum
    assert split_hash([Fold(("a",), ("b",)), Fold(("b",), ("a",))]) == (
        "352ebac71d843bc674cb653737643275ae79b00c8a585d6ebef378c893348150"
    )


def test_given_folds_are_kept(y: pd.DataFrame) -> None:
    given = pd.Series(np.arange(100) % 4, y.index)
    folds = make_folds(y, folds=given.sample(frac=1, random_state=0))
    assert [fold.test_ids for fold in folds] == [tuple(y.index[k::4]) for k in range(4)]
    assert make_folds(y, folds=folds) == folds


def test_given_folds_that_split_a_group_are_refused_by_name(y: pd.DataFrame) -> None:
    given, groups = pd.Series(np.arange(100) % 4, y.index), pd.Series(range(100), y.index)
    groups[["p000", "p001"]] = 7000
    with pytest.raises(DegenerateSplitError, match=r"Fold 0 leaks: 1 of its 25 .*'p000'.*7000"):
        make_folds(y, folds=given, groups=groups)


def test_given_folds_that_share_a_site_are_refused(y: pd.DataFrame) -> None:
    with pytest.raises(DegenerateSplitError, match="share a site"):
        make_folds(y, folds=pd.Series(np.arange(100) % 4, y.index), site=dict.fromkeys(y.index, 1))


def test_a_patient_on_both_sides_is_refused_by_name(y: pd.DataFrame) -> None:
    first, *rest = make_folds(y)
    leaking = Fold((*first.train_ids, first.test_ids[0]), first.test_ids)
    with pytest.raises(DegenerateSplitError, match=f"in training and in test.*{first.test_ids[0]}"):
        make_folds(y, folds=[leaking, *rest])


def test_a_patient_judged_twice_is_refused(y: pd.DataFrame) -> None:
    first, second, *rest = make_folds(y)
    patient = first.test_ids[0]
    train = tuple(p for p in second.train_ids if p != patient)
    with pytest.raises(DuplicateIdError, match=patient):
        make_folds(y, folds=[first, Fold(train, (*second.test_ids, patient)), *rest])


def test_a_patient_never_judged_is_refused(y: pd.DataFrame) -> None:
    folds = make_folds(y)
    with pytest.raises(IdMismatchError, match=f"in no test fold.*{folds[0].test_ids[0]}"):
        make_folds(y, folds=folds[1:])


def test_a_patient_without_fold_group_or_outcome_is_refused(y: pd.DataFrame) -> None:
    short = pd.Series(np.arange(99) % 4, y.index[:99])
    with pytest.raises(IdMismatchError, match=r"have no fold \(first: 'p099'\)"):
        make_folds(y, folds=short)
    with pytest.raises(IdMismatchError, match=r"have no group \(first: 'p099'\)"):
        make_folds(y, groups=short)
    with pytest.raises(IdMismatchError, match="of fold 0 have no outcome"):
        make_folds(y, folds=[Fold(("stranger",), ("p000",))])


def test_a_fold_that_trains_without_events_is_refused(y: pd.DataFrame) -> None:
    given = pd.Series(np.where(y["event"], 0, 1), y.index)
    with pytest.raises(DegenerateSplitError, match="None of 77 training patients of fold 0 has ev"):
        make_folds(y, folds=given)


def test_a_class_with_one_member_is_refused_by_name(y: pd.DataFrame) -> None:
    labels = pd.Series(["a"] * 50 + ["b"] * 49 + ["rare"], y.index)
    with pytest.raises(DegenerateSplitError, match=r"class 'rare' \(1 of all 100 .*'p099'\)"):
        make_folds(labels)


def test_fewer_groups_than_folds_is_refused(y: pd.DataFrame) -> None:
    with pytest.raises(DegenerateSplitError, match=r"and 3 patients, .* 2 to 3 folds: .*--folds"):
        make_folds(y, site=pd.Series(np.arange(100) % 3, y.index))


def test_an_outcome_without_ids_is_refused() -> None:
    with pytest.raises(IdTypeError, match="outcomes need patient ids"):
        make_folds(np.zeros(10))


def test_a_patient_in_two_groups_is_refused(y: pd.DataFrame) -> None:
    twice = pd.Series(1, [*y.index, "p005"])
    with pytest.raises(DuplicateIdError, match=r"two entries in group \(first: 'p005'\)"):
        make_folds(y, groups=twice)
