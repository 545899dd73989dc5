from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines.utils import concordance_index

from msfusion_adapters.genomics import GenomicsAdapter
from msfusion_sdk.fusion.estimators.survival import FusionSurvival
from msfusion_sdk.fusion.strategies.strategies import STRATEGIES

from ..conftest import Made

pytestmark = pytest.mark.slow

SOME = [("concat", "linear"), ("stacking", "linear"), ("average", "linear"), ("gated", "linear")]


def learned(model: FusionSurvival) -> dict[str, np.ndarray]:
    """Every array that fitting left, of the fuser, the curves and the adapters."""
    arrays = {**model.fitted_.fuser.arrays(), **model.curves_.arrays()}
    for name, adapter in model.fitted_.adapters.items():
        arrays.update({f"{name}.{key}": value for key, value in adapter.state().arrays.items()})
    return arrays


@pytest.mark.parametrize(("fusion", "base"), SOME)
def test_outcomes_and_values_of_validation_patients_change_no_parameter(
    make_patients: Callable[..., Made], fusion: Any, base: Any
) -> None:
    made = make_patients(80)
    train, held = made.survival.index[:60], made.survival.index[60:]
    model = FusionSurvival(fusion=fusion, base=base, adapters={"genes": GenomicsAdapter(screen=3)})
    expected = learned(model.fit(made.tables, made.survival.loc[train]))
    tables = {name: table.copy() for name, table in made.tables.items()}
    for table in tables.values():
        table.loc[held] = 1e3
    found = learned(model.fit(tables, made.survival.loc[train]))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert np.array_equal(found[name], value), name


def test_a_column_that_equals_the_outcome_in_validation_rows_only_does_not_help(
    make_patients: Callable[..., Made],
) -> None:
    train, new = make_patients(80), make_patients(80, seed=1)
    expected = FusionSurvival().fit(train.tables, train.survival).predict_risk(new.tables)
    made = {**train.tables, "panel": train.tables["panel"].assign(leak=0.0)}
    leaking = {**new.tables, "panel": new.tables["panel"].assign(leak=-new.survival["time"])}
    found = FusionSurvival().fit(made, train.survival).predict_risk(leaking)
    pd.testing.assert_series_equal(found, expected)


def test_the_training_patients_are_kept_by_name(make_patients: Callable[..., Made]) -> None:
    made = make_patients(40)
    model = FusionSurvival().fit(made.tables, made.survival.iloc[:30])
    assert model.training_ids_ == sorted(made.survival.index[:30])


def test_kidney_papillary_carcinoma_is_ordered_as_well_as_the_reference(shared: Path) -> None:
    """One published fold: the early linear reference has 0.85 on average, chance is 0.5."""
    folder = shared / "data" / "tcga" / "kirp"
    read = {
        name: pd.read_parquet(folder / f"{name}.parquet").set_index("patient_id")
        for name in ("clinical", "rna", "folds")
    }
    y = read["clinical"].rename(columns={"time_months": "time"})[["time", "event"]]
    tables = {"clinical": read["clinical"][["age", "sex"]], "rna": read["rna"]}
    held = read["folds"].index[read["folds"]["fold"] == 0]
    genes = GenomicsAdapter()
    model = FusionSurvival(adapters={"rna": genes}).fit(tables, y.drop(index=held))
    risk = model.predict_risk({name: table.loc[held] for name, table in tables.items()})
    truth = y.loc[risk.index]
    assert concordance_index(truth["time"], -risk, truth["event"]) > 0.7


def test_every_strategy_has_a_name_that_users_can_list() -> None:
    assert set(STRATEGIES) == {
        *("average", "stacking", "product_of_experts"),
        *("concat", "gated", "low_rank", "attention"),
    }
