import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.utils import concordance_index
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from msfusion_sdk.errors import (
    DegenerateSplitError,
    DuplicateIdError,
    IdMismatchError,
    MissingModalityError,
    NonFiniteError,
    SurvivalLabelError,
    TableError,
)
from msfusion_sdk.fusion.estimators.survival import FusionSurvival
from msfusion_sdk.fusion.strategies.strategies import STRATEGIES
from msfusion_sdk.survival.cox.cox import CurveWarning, fit_cox

from ..conftest import Made

pytestmark = pytest.mark.slow

ALL = [(fusion, "linear") for fusion in STRATEGIES] + [("concat", "mlp")]
SOME = [("concat", "linear"), ("stacking", "linear"), ("average", "mlp"), ("attention", "linear")]


def lifelines_c(risk: pd.Series, y: pd.DataFrame) -> float:
    y = y.loc[risk.index]
    return float(concordance_index(y["time"], -risk, y["event"]))


def slope_on_new_patients(patients: int, columns: int, seed: int) -> float:
    """1 when the curves of a model of many columns spread as the hazards of 1,000 others do."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(patients + 1000, columns))
    death = rng.exponential(np.exp(-values[:, :5] @ [0.6, 0.5, 0.4, 0.3, 0.2]))
    last = rng.exponential(1.5 * np.quantile(death, 0.7), len(death))
    ids = [f"P{number:04d}" for number in range(len(death))]
    y = pd.DataFrame({"time": np.minimum(death, last), "event": death <= last}, index=ids)
    X = pd.DataFrame(values, index=ids).add_prefix("c")  # noqa: N806
    model = FusionSurvival().fit({"panel": X[:patients]}, y[:patients])
    new = y[patients:]
    curves = model.predict_survival({"panel": X[patients:]}, [0.5])[0.5].clip(1e-9, 1 - 1e-9)
    spread = np.log(-np.log(curves.to_numpy()))[:, None]
    return float(fit_cox(spread, time=new["time"], event=new["event"], penalty=0).coef[0])


@pytest.mark.parametrize(("fusion", "base"), ALL)
def test_new_patients_are_put_in_the_right_order(
    make_patients: Callable[..., Made], fusion: Any, base: Any
) -> None:
    train, new = make_patients(120), make_patients(120, seed=1)
    model = FusionSurvival(fusion=fusion, base=base).fit(train.tables, train.survival)
    assert lifelines_c(model.predict_risk(new.tables), new.survival) > 0.7


def test_the_default_is_the_ridge_cox_model_of_lifelines(
    make_patients: Callable[..., Made],
) -> None:
    made = make_patients(90)
    table = made.tables["panel"]
    model = FusionSurvival().fit({"panel": table}, made.survival)
    risk = model.predict_risk({"panel": table})
    scale = model.fitted_.fuser.arrays()["scale"][: table.shape[1]]
    standard = (table - table.mean()) / table.std(ddof=0)
    # lifelines standardises by itself (ddof 1), and a penalty is one over a prior variance.
    patients = len(table)
    frame = standard.assign(time=made.survival["time"], event=made.survival["event"])
    fitter = CoxPHFitter(penalizer=(patients - 1) / patients**2 / scale**2).fit(
        frame, "time", "event", fit_options={"precision": 1e-12}
    )
    expected = standard @ fitter.params_
    assert risk.to_numpy() == pytest.approx((expected - expected.mean()).to_numpy(), abs=1e-4)


@pytest.mark.parametrize(("fusion", "base"), SOME)
def test_order_of_rows_columns_and_tables_means_nothing(
    make_patients: Callable[..., Made], fusion: Any, base: Any
) -> None:
    made = make_patients(60)
    model = FusionSurvival(fusion=fusion, base=base)
    expected = model.fit(made.tables, made.survival).predict_risk(made.tables)
    shuffled = {
        name: made.tables[name].sample(frac=1, random_state=number)
        for number, name in enumerate(reversed(made.tables))
    }
    found = model.fit(shuffled, made.survival.sample(frac=1, random_state=9)).predict_risk(shuffled)
    pd.testing.assert_series_equal(found.sort_index(), expected.sort_index(), rtol=1e-6)


@pytest.mark.parametrize(("fusion", "base"), SOME)
def test_a_second_fit_forgets_the_first(
    make_patients: Callable[..., Made], fusion: Any, base: Any
) -> None:
    made, other = make_patients(60), make_patients(70, seed=3)
    model = FusionSurvival(fusion=fusion, base=base)
    expected = model.fit(made.tables, made.survival).predict_risk(made.tables)
    model.fit(other.tables, other.survival)
    found = model.fit(made.tables, made.survival).predict_risk(made.tables)
    pd.testing.assert_series_equal(found, expected, check_exact=True)


def test_another_random_state_changes_networks_and_not_ridge_models(
    make_patients: Callable[..., Made],
) -> None:
    made = make_patients(60)

    def risks(fusion: str, seed: int) -> pd.Series:
        model = FusionSurvival(fusion=fusion, random_state=seed)
        return model.fit(made.tables, made.survival).predict_risk(made.tables)

    pd.testing.assert_series_equal(risks("concat", 0), risks("concat", 1))
    assert (risks("gated", 0) != risks("gated", 1)).all()


def test_a_clone_has_the_same_settings_and_is_not_fitted(
    make_patients: Callable[..., Made],
) -> None:
    made = make_patients(40)
    model = FusionSurvival(fusion="stacking", adapters={"panel": "table"}, random_state=4)
    copy = clone(model.fit(made.tables, made.survival))
    assert copy.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        copy.predict_risk(made.tables)


def test_fit_leaves_tables_and_adapters_as_they_were(make_patients: Callable[..., Made]) -> None:
    made = make_patients(40)
    before = {name: table.copy() for name, table in made.tables.items()}
    FusionSurvival().fit(made.tables, made.survival)
    for name, table in made.tables.items():
        pd.testing.assert_frame_equal(table, before[name])


def test_other_patients_in_the_tables_change_nothing(make_patients: Callable[..., Made]) -> None:
    made = make_patients(80)
    some = made.survival.sort_index().index[:50]
    few = {name: table.loc[some] for name, table in made.tables.items()}
    model = FusionSurvival()
    expected = model.fit(few, made.survival.loc[some]).predict_risk(made.tables)
    found = model.fit(made.tables, made.survival.loc[some]).predict_risk(made.tables)
    pd.testing.assert_series_equal(found, expected, check_exact=True)
    assert model.training_ids_ == list(some)


def test_reversed_events_are_another_model(make_patients: Callable[..., Made]) -> None:
    made, new = make_patients(120), make_patients(120, seed=1)
    censored = made.survival.assign(event=~made.survival["event"])
    right = FusionSurvival().fit(made.tables, made.survival).predict_risk(new.tables)
    wrong = FusionSurvival().fit(made.tables, censored).predict_risk(new.tables)
    assert lifelines_c(right, new.survival) > lifelines_c(wrong, new.survival) + 0.1


def test_survival_starts_at_one_and_falls_earlier_for_higher_risk(
    make_patients: Callable[..., Made],
) -> None:
    made = make_patients(100)
    model = FusionSurvival().fit(made.tables, made.survival)
    curves = model.predict_survival(made.tables, [0.0, 0.2, 0.5, 1.0])
    assert (curves[0.0] == 1).all()
    assert (np.diff(curves.to_numpy(), axis=1) <= 0).all()
    by_risk = curves.loc[model.predict_risk(made.tables).sort_values().index, 0.5]
    assert by_risk.is_monotonic_decreasing


def test_mean_survival_of_new_patients_is_that_of_kaplan_and_meier(
    make_patients: Callable[..., Made],
) -> None:
    train, new = make_patients(300), make_patients(300, seed=1)
    model = FusionSurvival().fit(train.tables, train.survival)
    expected = KaplanMeierFitter().fit(new.survival["time"], new.survival["event"])
    found = model.predict_survival(new.tables, [0.3, 0.8, 1.5]).mean()
    assert found.to_numpy() == pytest.approx(expected.predict([0.3, 0.8, 1.5]).to_numpy(), abs=0.07)


def test_contributions_of_the_ridge_model_add_up_to_the_risk(
    make_patients: Callable[..., Made],
) -> None:
    made = make_patients(60)
    model = FusionSurvival().fit(made.tables, made.survival)
    added = model.modality_contributions(made.tables)
    risk = model.predict_risk(made.tables)
    assert added.columns.to_list() == ["genes", "images", "panel"]
    assert added.sum(axis=1).to_numpy() == pytest.approx(risk.to_numpy(), abs=1e-9)


def test_the_product_of_experts_adds_the_log_hazards_of_single_models(
    make_patients: Callable[..., Made],
) -> None:
    made = make_patients(60)
    expected = sum(
        FusionSurvival().fit({name: table}, made.survival).predict_risk({name: table})
        for name, table in made.tables.items()
    )
    model = FusionSurvival(fusion="product_of_experts").fit(made.tables, made.survival)
    pd.testing.assert_series_equal(model.predict_risk(made.tables), expected, check_names=False)


def test_stacking_shows_weights_of_which_none_is_negative(
    make_patients: Callable[..., Made],
) -> None:
    made = make_patients(100)
    noise = pd.DataFrame(np.random.default_rng(5).normal(size=(100, 3)), index=made.survival.index)
    tables = {**made.tables, "noise": noise}
    weights = FusionSurvival(fusion="stacking").fit(tables, made.survival).weights_
    assert weights.index.to_list() == ["genes", "images", "noise", "panel"]
    assert (weights >= 0).all()
    assert weights["noise"] < weights.drop("noise").min()


def test_a_structured_array_belongs_to_the_rows_of_the_tables(
    make_patients: Callable[..., Made],
) -> None:
    made = make_patients(40)
    array = made.survival.to_records(index=False)
    expected = FusionSurvival().fit(made.tables, made.survival).predict_risk(made.tables)
    found = FusionSurvival().fit(made.tables, np.asarray(array)).predict_risk(made.tables)
    pd.testing.assert_series_equal(found, expected)


def test_a_structured_array_is_refused_when_tables_are_in_another_order(
    make_patients: Callable[..., Made],
) -> None:
    made = make_patients(40)
    array = np.asarray(made.survival.to_records(index=False))
    tables = {**made.tables, "panel": made.tables["panel"].iloc[::-1]}
    with pytest.raises(IdMismatchError, match="Give y as a DataFrame"):
        FusionSurvival().fit(tables, array)


def test_one_event_is_enough_for_the_default_and_one_patient_can_be_predicted(
    make_patients: Callable[..., Made],
) -> None:
    made = make_patients(30)
    single = made.survival.assign(event=[True] + [False] * 29)
    model = FusionSurvival().fit(made.tables, single)
    one = {name: table.iloc[[3]] for name, table in made.tables.items()}
    assert model.predict_risk(one).notna().all()


def test_no_event_is_an_error(make_patients: Callable[..., Made]) -> None:
    made = make_patients(30)
    with pytest.raises(DegenerateSplitError, match="at least one event"):
        FusionSurvival().fit(made.tables, made.survival.assign(event=False))


def test_an_expert_without_events_is_named(make_patients: Callable[..., Made]) -> None:
    made = make_patients(40)
    censored = made.survival.index[~made.survival["event"]]
    tables = {**made.tables, "images": made.tables["images"].loc[censored]}
    with pytest.raises(DegenerateSplitError, match="The expert of 'images'"):
        FusionSurvival(fusion="average").fit(tables, made.survival)


def test_a_constant_column_and_a_copied_column_change_no_order(
    make_patients: Callable[..., Made],
) -> None:
    made = make_patients(60)
    panel = made.tables["panel"].assign(constant=3.0)
    expected = FusionSurvival().fit(made.tables, made.survival).predict_risk(made.tables)
    tables = {**made.tables, "panel": panel}
    found = FusionSurvival().fit(tables, made.survival).predict_risk(tables)
    pd.testing.assert_series_equal(found, expected)


def test_infinity_is_an_error_that_names_the_patient(make_patients: Callable[..., Made]) -> None:
    made = make_patients(30)
    panel = made.tables["panel"].copy()
    panel.loc["P007", "a"] = np.inf
    with pytest.raises(NonFiniteError, match="P007"):
        FusionSurvival().fit({**made.tables, "panel": panel}, made.survival)


@pytest.mark.parametrize(
    ("column", "value", "error"),
    [("time", -1.0, SurvivalLabelError), ("time", np.nan, SurvivalLabelError)],
)
def test_impossible_outcomes_are_errors(
    make_patients: Callable[..., Made], column: str, value: float, error: Any
) -> None:
    made = make_patients(30)
    y = made.survival.copy()
    y.loc["P003", column] = value
    with pytest.raises(error, match="P003"):
        FusionSurvival().fit(made.tables, y)


def test_two_rows_of_one_patient_are_an_error(make_patients: Callable[..., Made]) -> None:
    made = make_patients(30)
    panel = pd.concat([made.tables["panel"], made.tables["panel"].iloc[:1]])
    with pytest.raises(DuplicateIdError):
        FusionSurvival().fit({**made.tables, "panel": panel}, made.survival)


def test_a_table_that_training_did_not_have_is_an_error(make_patients: Callable[..., Made]) -> None:
    made = make_patients(30)
    model = FusionSurvival().fit({"panel": made.tables["panel"]}, made.survival)
    with pytest.raises(TableError, match="'genes'"):
        model.predict_risk(made.tables)


def test_adapters_for_a_table_that_is_not_there_are_an_error(
    make_patients: Callable[..., Made],
) -> None:
    made = make_patients(30)
    with pytest.raises(TableError, match="proteins"):
        FusionSurvival(adapters={"proteins": "table"}).fit(made.tables, made.survival)


@pytest.mark.parametrize("setting", [{"fusion": "early"}, {"base": "forest"}])
def test_an_unknown_strategy_is_an_error_that_lists_the_known(
    make_patients: Callable[..., Made], setting: Any
) -> None:
    made = make_patients(30)
    with pytest.raises(ValueError, match=r"linear|concat"):
        FusionSurvival(**setting).fit(made.tables, made.survival)


def test_a_modality_that_nobody_has_is_an_error(make_patients: Callable[..., Made]) -> None:
    made = make_patients(30)
    strangers = made.tables["genes"].rename(index=lambda name: f"X{name}")
    with pytest.raises(MissingModalityError, match="'genes'"):
        FusionSurvival().fit({**made.tables, "genes": strangers}, made.survival)


def test_survival_after_the_last_event_is_a_warning_with_both_times(
    make_patients: Callable[..., Made],
) -> None:
    made = make_patients(60)
    model = FusionSurvival().fit(made.tables, made.survival)
    last = made.survival["time"][made.survival["event"]].max()
    with pytest.warns(CurveWarning, match=rf"Survival at 50\.0 is not known.*at {last:g}"):
        curves = model.predict_survival(made.tables, [last, 50.0])
    assert (curves[50.0] == curves[last]).all()


def test_one_curve_for_everybody_is_a_warning(make_patients: Callable[..., Made]) -> None:
    made = make_patients(60)
    # Everybody's outcome belongs to somebody else, in an order that scores of folds oppose.
    for seed in range(9):
        dealt = made.survival.sample(frac=1, random_state=seed).set_axis(made.survival.index)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = FusionSurvival().fit(made.tables, dealt)
        said = any(issubclass(one.category, CurveWarning) for one in caught)
        assert said == (model.curves_.slope[0] == 0)
    assert said or seed == 8


@pytest.mark.slow
def test_curves_of_many_columns_are_neither_too_flat_nor_too_steep() -> None:
    slopes = [slope_on_new_patients(300, 100, seed) for seed in range(3)]
    assert 0.8 < np.median(slopes) < 1.3
