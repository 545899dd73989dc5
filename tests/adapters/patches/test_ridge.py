"""A ridge regression with each patient left out, and the looks that it finds."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from msfusion_adapters.patches.ridge import PENALTIES, begin_by_ridge, fit_left_out, weighed_means
from msfusion_adapters.patches.screening import Response


@pytest.mark.parametrize("outputs", [1, 3])
def test_the_error_is_that_of_regressions_without_each_patient(outputs: int) -> None:
    rng = np.random.default_rng(outputs)
    values = rng.normal(size=(25, 6)) * [1, 5, 0.2, 1, 1, 3] + 7
    wanted = values[:, :1] / 2 + rng.normal(size=(25, outputs))
    # scikit-learn's, one patient after the other; columns in the deviations of all patients.
    standard = (values - values.mean(0)) / values.std(0)
    errors = []
    for penalty in PENALTIES * 6:  # the squares of standardised columns sum to patients · columns
        guessed = cross_val_predict(Ridge(penalty), standard, wanted, cv=LeaveOneOut())
        errors.append(((wanted - guessed.reshape(wanted.shape)) ** 2).sum())
    found = fit_left_out(values, wanted)
    assert found.error == pytest.approx(min(errors), rel=1e-9)
    best = Ridge(PENALTIES[int(np.argmin(errors))] * 6).fit(standard, wanted)
    expected = best.coef_.reshape(outputs, 6).T / values.std(0)[:, None]
    np.testing.assert_allclose(found.coef, expected, rtol=1e-6)


def test_where_nothing_varies_coefficients_are_0() -> None:
    wanted = np.random.default_rng(0).normal(size=(10, 1))
    found = fit_left_out(np.ones((10, 3)), wanted)
    assert not found.coef.any()
    # Each patient against the mean of the other nine.
    others = (wanted.sum() - wanted) / 9
    assert found.error == pytest.approx(((wanted - others) ** 2).sum())


def test_means_are_weighed_by_each_look() -> None:
    rng = np.random.default_rng(0)
    patches = [rng.normal(size=(n, 4)).astype(np.float32) for n in (3, 9)]
    looks = rng.normal(size=(4, 2)).astype(np.float32)
    found = weighed_means(patches, looks)
    for place, own in enumerate(patches):
        for look in range(2):
            shares = [np.exp(row @ looks[:, look]) for row in own]
            expected = sum(s * row for s, row in zip(shares, own, strict=True)) / sum(shares)
            np.testing.assert_allclose(found[place, look], expected, rtol=1e-5)


def test_a_finding_along_two_columns_is_looked_at_along_both() -> None:
    rng = np.random.default_rng(0)
    columns, bags = 8, 120
    answers = np.repeat([-1.0, 1.0], bags // 2)
    patches = []
    for answer in answers:
        own = rng.normal(size=(60, columns))
        # Patches high in one of the two columns alone say nothing, and there are as many.
        own[:4, [1, 2]] += 3
        own[:4, [5, 6]] += answer
        own[4:8, 1] += 4
        own[8:12, 2] += 4
        patches.append(own.astype(np.float32))
    every = 2 * np.concatenate([np.eye(columns), -np.eye(columns)]).T.astype(np.float32)
    seen = weighed_means(patches, every)
    response = Response(answers[:, None].astype(np.float32), np.ones(1, np.float32))
    start = begin_by_ridge(seen, patches, np.eye(columns), response)
    assert start is not None
    assert {1, 2} <= set(np.flatnonzero(start.look > 0))
    scores = weighed_means(patches, start.look[:, None])[:, 0] @ start.read - start.level
    assert np.corrcoef(scores[:, 0], answers)[0, 1] > 0.8
    weights = np.exp(patches[0] @ start.look)
    assert weights[:4].sum() > 0.5 * weights.sum()
    # What is read goes by the two columns that the answer is written in.
    assert set(np.argsort(-np.abs(start.read[:, 0]))[:2]) == {5, 6}


def test_bags_that_are_all_alike_have_no_start() -> None:
    one = np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32)
    looks = 2 * np.concatenate([np.eye(5), -np.eye(5)]).T.astype(np.float32)
    answers = np.array([[-1.0], [1.0]] * 5, np.float32)
    seen = weighed_means([one] * 10, looks)
    response = Response(answers, np.ones(1, np.float32))
    assert begin_by_ridge(seen, [one] * 10, np.eye(5), response) is None
