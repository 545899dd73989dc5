"""What is kept of an evaluation: a page to read and a file to compute from again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from msfusion_sdk.evaluation.evaluate import evaluate
from msfusion_sdk.evaluation.result.evaluation import Evaluation

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def result(cohort: Any, ridge_cox: Any) -> Evaluation:
    return evaluate(ridge_cox(), cohort.X, cohort.y, bootstrap=20, horizons=[6, 12])


def test_predictions_come_back_from_parquet(result: Evaluation, tmp_path: Path) -> None:
    back = pd.read_parquet(result.to_parquet(tmp_path / "predictions.parquet"))
    flat = result.predictions.drop(columns="survival")
    pd.testing.assert_frame_equal(back.drop(columns="survival"), flat)
    assert np.array_equal(np.stack(back["survival"]), np.stack(result.predictions["survival"]))


def test_the_file_says_how_the_predictions_came_about(result: Evaluation, tmp_path: Path) -> None:
    path = result.to_parquet(tmp_path / "predictions.parquet")
    about = json.loads(pq.read_schema(path).metadata[b"msfusion"])
    assert about["split_hash"] == result.split_hash
    assert about["random_state"] == 0
    assert about["models"] == {"model": "RidgeCox()"}
    assert {"msfusion-sdk", "numpy", "torch"} <= set(about["versions"])
    assert {6.0, 12.0} <= set(about["times"])


def test_every_patient_is_predicted_once_per_model(result: Evaluation) -> None:
    mine = result.predictions.query("model == 'model'")
    assert sorted(mine["patient_id"]) == [f"p{i:03d}" for i in range(200)]


def test_high_risk_is_about_half_since_the_cut_is_the_training_median(result: Evaluation) -> None:
    mine = result.predictions.query("model == 'model'")
    assert 0.4 < mine["high_risk"].mean() < 0.6


def test_the_page_shows_tau_intervals_differences_and_folds(result: Evaluation) -> None:
    page = result.to_markdown()
    assert f"tau = {result.plan.tau:g}" in page
    assert "| AUROC at 6 ↑ | AUROC at 12 ↑ | integrated Brier score ↓ |" in page
    assert "'model' minus each other model" in page
    assert "contribution of each table" in page
    assert "| fold | train | test |" in page


def test_a_bar_in_a_name_does_not_break_the_page(cohort: Any, ridge_cox: Any) -> None:
    models = {"a|b": ridge_cox()}
    result = evaluate(models, cohort.X, cohort.y, baselines=False, bootstrap=0)
    assert r"| a\|b |" in result.to_markdown()


def test_the_frame_is_a_copy(result: Evaluation) -> None:
    result.to_frame()["mean"] = 0.0
    assert (result.summary["mean"] > 0).all()


def test_the_page_of_classes_says_which_one_is_positive(cohort: Any, logistic: Any) -> None:
    result = evaluate(logistic(), cohort.X, cohort.classes, baselines=False, bootstrap=0)
    page = result.to_markdown()
    assert "classes normal, tumour; tumour is the positive one" in page
    assert "| model | patients | AUROC ↑ |" in page
    assert result.times == ()


def test_warnings_are_on_the_page_and_a_missing_value_is_a_dash(
    cohort: Any, ridge_cox: Any
) -> None:
    given = pd.Series(np.arange(200) % 4, cohort.y.index)
    given[list(cohort.y.index[~cohort.y["event"]][:20])] = 9
    result = evaluate(
        ridge_cox(), cohort.X, cohort.y, folds=given, baselines=False, bootstrap=0, horizons=[1e6]
    )
    page = result.to_markdown()
    assert "- Fold 4 decides nothing" in page
    assert "| model | 200 |" in page
    assert "| – | – |" in page
