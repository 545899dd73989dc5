from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines.utils import concordance_index

from msfusion_sdk.errors import MissingModalityError
from msfusion_sdk.fusion.estimators.classifier import FusionClassifier
from msfusion_sdk.fusion.estimators.survival import FusionSurvival
from msfusion_sdk.fusion.strategies.strategies import STRATEGIES

from ..conftest import Made

pytestmark = pytest.mark.slow

ALL = [(fusion, "linear") for fusion in STRATEGIES] + [("concat", "mlp")]
SOME = [("concat", "linear"), ("stacking", "linear"), ("average", "mlp"), ("attention", "linear")]


def half(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    return table.sample(frac=0.5, random_state=seed)


@pytest.mark.parametrize(("fusion", "base"), ALL)
def test_half_of_a_table_may_be_missing_at_fit_and_at_predict(
    make_patients: Callable[..., Made], fusion: Any, base: Any
) -> None:
    train, new = make_patients(120), make_patients(120, seed=1)
    tables = {**train.tables, "images": half(train.tables["images"], 0)}
    model = FusionSurvival(fusion=fusion, base=base).fit(tables, train.survival)
    risk = model.predict_risk({**new.tables, "images": half(new.tables["images"], 1)})
    y = new.survival.loc[risk.index]
    assert len(risk) == 120
    assert concordance_index(y["time"], -risk, y["event"]) > 0.65


@pytest.mark.parametrize(("fusion", "base"), SOME)
@pytest.mark.parametrize("only", ["panel", "genes", "images"])
def test_a_patient_with_one_modality_is_predicted(
    make_patients: Callable[..., Made], fusion: Any, base: Any, only: str
) -> None:
    made = make_patients(60)
    model = FusionClassifier(fusion=fusion, base=base).fit(made.tables, made.classes)
    chances = model.predict_proba({only: made.tables[only].iloc[[5]]})
    assert chances.sum(axis=1).to_numpy() == pytest.approx([1.0])
    added = model.modality_contributions({only: made.tables[only].iloc[[5]]})
    known = added.columns[added.notna().iloc[0]]
    assert set(known.get_level_values("table")) == {only}


@pytest.mark.parametrize(("fusion", "base"), SOME)
def test_what_stands_in_the_row_of_an_absent_patient_means_nothing(
    make_patients: Callable[..., Made], fusion: Any, base: Any
) -> None:
    """The other patients of a call and an empty row instead of no row change no risk."""
    made = make_patients(60)
    model = FusionSurvival(fusion=fusion, base=base).fit(made.tables, made.survival)
    without = {**made.tables, "genes": made.tables["genes"].drop(index="P010")}
    empty = made.tables["genes"].copy()
    empty.loc["P010"] = np.nan
    alone = {name: table.loc[["P010"]] for name, table in made.tables.items() if name != "genes"}
    found = [
        model.predict_risk(tables)["P010"]
        for tables in (without, {**made.tables, "genes": empty}, alone)
    ]
    assert found == pytest.approx([found[0]] * 3, abs=1e-5)


@pytest.mark.parametrize("fusion", STRATEGIES)
def test_a_modality_of_value_zero_is_not_a_missing_one(
    make_patients: Callable[..., Made], fusion: Any
) -> None:
    made = make_patients(60)
    shifted = {**made.tables, "images": made.tables["images"] - made.tables["images"].max()}
    model = FusionSurvival(fusion=fusion).fit(shifted, made.survival)
    top = shifted["images"]["ab"].idxmax()
    rows = {name: table.loc[[top]] for name, table in shifted.items()}
    assert rows["images"].iloc[0, 0] == 0
    without = {name: table for name, table in rows.items() if name != "images"}
    assert model.predict_risk(rows)[top] != pytest.approx(model.predict_risk(without)[top])


def test_a_patient_with_nothing_is_an_error_that_names_them(
    make_patients: Callable[..., Made],
) -> None:
    made = make_patients(40)
    model = FusionSurvival().fit(made.tables, made.survival)
    empty = {name: table.copy() for name, table in made.tables.items()}
    for table in empty.values():
        table.loc["P011"] = np.nan
    with pytest.raises(MissingModalityError, match="P011"):
        model.predict_risk(empty)


def test_a_training_patient_with_nothing_is_an_error_that_names_them(
    make_patients: Callable[..., Made],
) -> None:
    made = make_patients(40)
    tables = {name: table.drop(index="P011") for name, table in made.tables.items()}
    with pytest.raises(MissingModalityError, match="P011"):
        FusionSurvival().fit(tables, made.survival)


def test_no_table_at_all_is_an_error(make_patients: Callable[..., Made]) -> None:
    made = make_patients(40)
    model = FusionSurvival().fit(made.tables, made.survival)
    with pytest.raises(MissingModalityError, match="genes, images, panel"):
        model.predict_risk({})


def test_whether_a_modality_is_there_can_say_something_itself(
    make_patients: Callable[..., Made],
) -> None:
    """Patients of low risk never had images: those without are then predicted lower."""
    made = make_patients(120)
    late = made.survival["time"].sort_values().index[60:]
    tables = {"noise": made.tables["panel"][["noise"]], "images": made.tables["images"].drop(late)}
    model = FusionSurvival().fit(tables, made.survival)
    risk = model.predict_risk(tables)
    assert risk[late].mean() < risk.drop(late).mean() - 0.5
