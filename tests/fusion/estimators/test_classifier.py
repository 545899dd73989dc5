from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from msfusion_sdk.errors import DegenerateSplitError, IdTypeError, TableError
from msfusion_sdk.fusion.estimators.classifier import FusionClassifier
from msfusion_sdk.fusion.strategies.strategies import STRATEGIES

from ..conftest import Made

pytestmark = pytest.mark.slow

ALL = [(fusion, "linear") for fusion in STRATEGIES] + [("concat", "mlp")]
SOME = [("concat", "linear"), ("stacking", "linear"), ("average", "mlp"), ("attention", "linear")]


@pytest.mark.parametrize(("fusion", "base"), ALL)
def test_new_patients_are_told_apart(
    make_patients: Callable[..., Made], fusion: Any, base: Any
) -> None:
    train, new = make_patients(120), make_patients(120, seed=1)
    model = FusionClassifier(fusion=fusion, base=base).fit(train.tables, train.classes)
    chances = model.predict_proba(new.tables)
    assert chances.columns.to_list() == ["luad", "lusc"]
    truth = new.classes[chances.index] == "lusc"
    assert roc_auc_score(truth, chances["lusc"]) > 0.75
    assert (model.predict(new.tables) == chances.idxmax(axis=1)).all()


def test_the_default_is_the_ridge_logistic_regression_of_scikit_learn(
    make_patients: Callable[..., Made],
) -> None:
    made = make_patients(90)
    table = made.tables["panel"]
    model = FusionClassifier().fit({"panel": table}, made.classes)
    standard = (table - table.mean()) / table.std(ddof=0)
    # The square of a scale is the prior variance that was learned.
    scaled = standard * model.fitted_.fuser.arrays()["scale"][: table.shape[1]]
    expected = LogisticRegression(C=1.0, tol=1e-8).fit(scaled, made.classes)
    found = model.predict_proba({"panel": table})
    assert found.to_numpy() == pytest.approx(expected.predict_proba(scaled), abs=1e-4)


def test_experts_multiply_and_the_share_of_the_classes_counts_once(
    make_patients: Callable[..., Made],
) -> None:
    made = make_patients(60)
    share = made.classes.value_counts(normalize=True)
    product = share**-2
    for name, table in made.tables.items():
        model = FusionClassifier().fit({name: table}, made.classes)
        product = product * model.predict_proba({name: table})  # type: ignore[assignment]
    expected = product.div(product.sum(axis=1), axis=0)
    found = FusionClassifier(fusion="product_of_experts").fit(made.tables, made.classes)
    pd.testing.assert_frame_equal(
        found.predict_proba(made.tables), expected, check_names=False, atol=1e-9
    )


@pytest.mark.parametrize(("fusion", "base"), SOME)
def test_three_classes_have_probabilities_that_sum_to_one(
    make_patients: Callable[..., Made], fusion: Any, base: Any
) -> None:
    made = make_patients(90)
    third = pd.qcut(made.tables["panel"]["a"], 3, labels=["x", "y", "z"]).astype(str)
    model = FusionClassifier(fusion=fusion, base=base).fit(made.tables, third)
    chances = model.predict_proba(made.tables)
    assert chances.columns.to_list() == ["x", "y", "z"]
    assert chances.sum(axis=1).to_numpy() == pytest.approx(np.ones(90))
    assert (model.predict(made.tables) == third).mean() > 0.6


@pytest.mark.parametrize("labels", [[0, 1], [False, True], ["b", "a"]])
def test_classes_keep_their_kind(make_patients: Callable[..., Made], labels: Any) -> None:
    made = make_patients(40)
    y = made.classes.map(dict(zip(["luad", "lusc"], labels, strict=True)))
    predicted = FusionClassifier().fit(made.tables, y).predict(made.tables)
    assert set(predicted.unique()) == set(labels)


@pytest.mark.filterwarnings("ignore:.*tell the outcome")
def test_a_probability_of_exactly_zero_is_an_opinion_like_any_other(
    make_patients: Callable[..., Made],
) -> None:
    """One expert is so sure that its probability underflows: it still takes part in the mean."""
    made = make_patients(60)
    huge = pd.DataFrame({"far": (made.classes == "lusc") * 1.0})
    tables = {"panel": made.tables["panel"], "sure": huge}
    model = FusionClassifier(fusion="average").fit(tables, made.classes)
    far = {"panel": made.tables["panel"].iloc[[0]], "sure": huge.iloc[[0]] + 1e6}
    both = model.predict_proba(far)["luad"].iloc[0]
    panel = model.predict_proba({"panel": far["panel"]})["luad"].iloc[0]
    assert model.predict_proba({"sure": far["sure"]})["luad"].iloc[0] == 0
    assert both == pytest.approx(panel / 2)


def test_it_is_a_classifier_of_scikit_learn_that_can_be_cloned() -> None:
    model = FusionClassifier(fusion="gated", base="mlp", adapters={"a": "table"}, random_state=2)
    assert is_classifier(model)
    assert clone(model).get_params() == model.get_params()


def test_one_class_is_an_error(make_patients: Callable[..., Made]) -> None:
    made = make_patients(30)
    with pytest.raises(DegenerateSplitError, match="two classes"):
        FusionClassifier().fit(made.tables, made.classes.map(lambda _: "luad"))


def test_a_patient_without_a_class_is_named(make_patients: Callable[..., Made]) -> None:
    made = make_patients(30)
    y = made.classes.copy()
    y["P004"] = None
    with pytest.raises(TableError, match="P004"):
        FusionClassifier().fit(made.tables, y)


def test_classes_of_two_kinds_are_an_error(make_patients: Callable[..., Made]) -> None:
    made = make_patients(30)
    y = made.classes.astype(object)
    y["P004"] = 1
    with pytest.raises(TableError, match="int, str"):
        FusionClassifier().fit(made.tables, y)


def test_numbered_patients_are_an_error(make_patients: Callable[..., Made]) -> None:
    made = make_patients(30)
    with pytest.raises(IdTypeError):
        FusionClassifier().fit(made.tables, made.classes.reset_index(drop=True))


def test_a_class_that_an_expert_never_sees_is_an_error(make_patients: Callable[..., Made]) -> None:
    made = make_patients(40)
    tables = {**made.tables, "genes": made.tables["genes"][made.classes == "luad"]}
    with pytest.raises(DegenerateSplitError, match="The expert of 'genes'"):
        FusionClassifier(fusion="stacking").fit(tables, made.classes)
