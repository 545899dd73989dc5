import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from msfusion_sdk.errors import ModelIdError, WeightsCorruptError, WeightsMismatchError
from msfusion_sdk.fusion.estimators.classifier import FusionClassifier
from msfusion_sdk.fusion.estimators.survival import FusionSurvival
from msfusion_sdk.fusion.strategies.strategies import STRATEGIES
from msfusion_sdk.storage.records import sealed

from ..conftest import Made

pytestmark = pytest.mark.slow

ALL = [(fusion, "linear") for fusion in STRATEGIES] + [("concat", "mlp")]


@pytest.mark.parametrize(("fusion", "base"), ALL)
def test_a_loaded_survival_model_predicts_the_same(
    make_patients: Callable[..., Made], tmp_path: Path, fusion: Any, base: Any
) -> None:
    made = make_patients(40)
    model = FusionSurvival(fusion=fusion, base=base).fit(made.tables, made.survival)
    loaded = FusionSurvival.load(model.save(tmp_path / "model"))
    for predict in ("predict_risk", "modality_contributions"):
        found, expected = (
            getattr(loaded, predict)(made.tables),
            getattr(model, predict)(made.tables),
        )
        assert found.equals(expected)
    curves = loaded.predict_survival(made.tables, [0.5, 1.0])
    pd.testing.assert_frame_equal(curves, model.predict_survival(made.tables, [0.5, 1.0]))
    assert loaded.training_ids_ == model.training_ids_


@pytest.mark.parametrize("fusion", STRATEGIES)
def test_a_loaded_classifier_predicts_the_same(
    make_patients: Callable[..., Made], tmp_path: Path, fusion: Any
) -> None:
    made = make_patients(40)
    model = FusionClassifier(fusion=fusion).fit(made.tables, made.classes)
    loaded = FusionClassifier.load(model.save(tmp_path / "model"))
    pd.testing.assert_frame_equal(
        loaded.predict_proba(made.tables), model.predict_proba(made.tables), check_exact=True
    )
    assert (loaded.predict(made.tables) == model.predict(made.tables)).all()


def test_a_loaded_model_can_be_fitted_again(
    make_patients: Callable[..., Made], tmp_path: Path
) -> None:
    made = make_patients(40)
    model = FusionSurvival(fusion="stacking").fit(made.tables, made.survival)
    expected = model.predict_risk(made.tables)
    again = FusionSurvival.load(model.save(tmp_path)).fit(made.tables, made.survival)
    pd.testing.assert_series_equal(again.predict_risk(made.tables), expected)


def test_a_folder_holds_json_and_safetensors_only(
    make_patients: Callable[..., Made], tmp_path: Path
) -> None:
    made = make_patients(40)
    folder = FusionSurvival().fit(made.tables, made.survival).save(tmp_path / "model")
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    assert json.loads((folder / "config.json").read_text())["params"]["fusion"] == "concat"


def test_damaged_weights_are_an_error(make_patients: Callable[..., Made], tmp_path: Path) -> None:
    made = make_patients(40)
    folder = FusionSurvival().fit(made.tables, made.survival).save(tmp_path)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    with pytest.raises(WeightsCorruptError, match="Copy the model folder again"):
        FusionSurvival.load(folder)


@pytest.mark.parametrize(
    ("part", "value"),
    [("params", {"fusion": "most", "base": "linear", "random_state": 0}), ("params", None),
     ("tables", {"panel": {"adapter": "table", "params": None, "learned": {}, "features": []}}),
     ("tables", {"panel": {"adapter": "clinical", "params": {}, "learned": {"columns": [1]}}})],
)  # fmt: skip
def test_a_configuration_that_describes_nothing_is_an_error(
    part: str, value: object, make_patients: Callable[..., Made], tmp_path: Path
) -> None:
    made = make_patients(40)
    folder = FusionSurvival().fit(made.tables, made.survival).save(tmp_path)
    config = folder / "config.json"
    # Sealed again: written by a program that knows how, and wrong.
    changed = json.loads(config.read_text()) | {part: value}
    config.write_text(sealed({name: v for name, v in changed.items() if name != "sha256"}))
    with pytest.raises(WeightsCorruptError, match=r"config\.json says .*Copy the model folder"):
        FusionSurvival.load(folder)


def test_a_survival_model_is_not_a_classifier(
    make_patients: Callable[..., Made], tmp_path: Path
) -> None:
    made = make_patients(40)
    folder = FusionSurvival().fit(made.tables, made.survival).save(tmp_path)
    with pytest.raises(WeightsMismatchError, match="FusionSurvival"):
        FusionClassifier.load(folder)


def test_a_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelIdError, match=r"no config\.json"):
        FusionSurvival.load(tmp_path)


def test_a_model_that_was_not_fitted_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(NotFittedError):
        FusionSurvival().save(tmp_path)
