"""The whole evaluation: nothing leaks, nothing depends on order, and gaps are said."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines.utils import concordance_index
from sklearn.metrics import roc_auc_score

from msfusion_sdk.errors import DuplicateIdError, MissingModalityError
from msfusion_sdk.evaluation.evaluate import evaluate
from msfusion_sdk.evaluation.folds.folds import make_folds
from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.fusion.estimators.survival import FusionSurvival

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def survival(cohort: Any, ridge_cox: Any) -> Evaluation:
    return evaluate(ridge_cox(), cohort.X, cohort.y, bootstrap=100)


@pytest.fixture(scope="module")
def classes(cohort: Any, logistic: Any) -> Evaluation:
    return evaluate(logistic(), cohort.X, cohort.classes, bootstrap=100)


def _row(table: pd.DataFrame, model: str, metric: str) -> pd.Series:
    (row,) = [r for _, r in table.iterrows() if (r["model"], r["metric"]) == (model, metric)]
    return row


def _risks(result: Evaluation, fold: int) -> pd.Series:
    table = result.predictions.query("model == 'model' and fold == @fold")
    return table.set_index("patient_id")["risk"]


def test_the_mean_is_that_of_the_concordances_that_lifelines_counts_in_the_folds(
    survival: Evaluation,
) -> None:
    mine = survival.predictions.query("model == 'model'")
    expected = [
        concordance_index(part["time"], -part["risk"], part["event"])
        for _, part in mine.groupby("fold")
    ]
    row = _row(survival.summary, "model", "c_index")
    assert row["mean"] == pytest.approx(np.mean(expected), abs=1e-12)
    assert row["std"] == pytest.approx(np.std(expected), abs=1e-12)
    assert row["lower"] < row["mean"] < row["upper"]


def test_the_auroc_is_that_of_scikit_learn_on_each_fold(classes: Evaluation) -> None:
    mine = classes.predictions.query("model == 'model'")
    expected = [
        roc_auc_score(part["class"] == "tumour", part["proba_tumour"])
        for _, part in mine.groupby("fold")
    ]
    assert _row(classes.summary, "model", "auroc")["mean"] == pytest.approx(np.mean(expected))


def test_fusion_beats_single_tables_and_noise_contributes_nothing(survival: Evaluation) -> None:
    steps = survival.differences.query("metric == 'c_index'").set_index("model")
    assert steps.loc["clinical alone", "lower"] > 0
    assert steps.loc["rna permuted", "lower"] > 0
    lost = survival.contributions.query("metric == 'c_index'").set_index("table")
    assert lost.loc["noise", "lower"] < 0 < lost.loc["noise", "upper"]


def test_a_permuted_table_falls_to_the_level_without_it(survival: Evaluation) -> None:
    permuted = _row(survival.summary, "rna permuted", "c_index")["mean"]
    assert permuted == pytest.approx(
        _row(survival.summary, "without rna", "c_index")["mean"], abs=0.03
    )


def test_models_are_compared_on_the_patients_that_both_predict(survival: Evaluation) -> None:
    step = _row(survival.differences, "rna alone", "c_index")
    assert step["patients"] == 180
    whole = survival.predictions.query("model == 'model'")
    alone = survival.predictions.query("model == 'rna alone'")
    expected = []
    for fold in range(5):
        theirs = alone[alone["fold"] == fold].set_index("patient_id")
        ours = whole[whole["fold"] == fold].set_index("patient_id").loc[theirs.index]
        one, other = (
            concordance_index(part["time"], -part["risk"], part["event"]) for part in (ours, theirs)
        )
        expected.append(one - other)
    assert step["difference"] == pytest.approx(np.mean(expected), abs=1e-12)


def test_the_same_model_twice_differs_by_exactly_nothing(cohort: Any, ridge_cox: Any) -> None:
    models = {"one": ridge_cox(), "other": ridge_cox()}
    result = evaluate(models, cohort.X, cohort.y, baselines=False, bootstrap=20)
    assert (result.differences[["difference", "lower", "upper"]] == 0).all(axis=None)


def test_shuffled_labels_of_test_patients_change_no_prediction(cohort: Any, ridge_cox: Any) -> None:
    given = make_folds(cohort.y)
    shuffled = cohort.y.copy()
    test = list(given[0].test_ids)
    shuffled.loc[test] = cohort.y.loc[test[::-1]].to_numpy()
    options = {"folds": given, "baselines": False, "bootstrap": 0}
    before = evaluate(ridge_cox(), cohort.X, cohort.y, **options)
    after = evaluate(ridge_cox(), cohort.X, shuffled, **options)
    pd.testing.assert_series_equal(_risks(before, 0), _risks(after, 0))
    assert not _risks(before, 1).equals(_risks(after, 1))


def test_the_outcome_as_a_column_of_test_patients_only_does_not_help(
    cohort: Any, ridge_cox: Any
) -> None:
    given = make_folds(cohort.y)
    leak = pd.DataFrame({"leak": np.zeros(200)}, cohort.y.index)
    blind = {"folds": given, "baselines": False, "bootstrap": 0}
    before = evaluate(ridge_cox(), {**cohort.X, "leak": leak}, cohort.y, **blind)
    test = list(given[0].test_ids)
    leak.loc[test, "leak"] = -cohort.y.loc[test, "time"]
    after = evaluate(ridge_cox(), {**cohort.X, "leak": leak}, cohort.y, **blind)
    pd.testing.assert_series_equal(_risks(before, 0), _risks(after, 0))


def test_slides_of_one_patient_never_straddle_folds(make_cohort: Any, ridge_cox: Any) -> None:
    cohort = make_cohort(120)
    patient = pd.Series([slide[:3] for slide in cohort.y.index], cohort.y.index)
    result = evaluate(ridge_cox(), cohort.X, cohort.y, groups=patient, baselines=False, folds=3)
    for fold in result.folds:
        assert not set(patient[list(fold.train_ids)]) & set(patient[list(fold.test_ids)])


def test_site_preserved_folds_judge_new_sites(cohort: Any, ridge_cox: Any) -> None:
    site = pd.Series(np.arange(200) % 11, cohort.y.index)
    result = evaluate(ridge_cox(), cohort.X, cohort.y, site=site, baselines=False, bootstrap=0)
    for fold in result.folds:
        assert not set(site[list(fold.train_ids)]) & set(site[list(fold.test_ids)])


def test_the_order_of_input_changes_nothing(
    survival: Evaluation, cohort: Any, ridge_cox: Any
) -> None:
    tables = {n: t.sample(frac=1, random_state=k) for k, (n, t) in enumerate(cohort.X.items())}
    shuffled = cohort.y.sample(frac=1, random_state=9)
    result = evaluate(ridge_cox(), tables, shuffled, bootstrap=100)
    pd.testing.assert_frame_equal(result.summary, survival.summary)
    pd.testing.assert_frame_equal(result.predictions, survival.predictions)
    assert result.split_hash == survival.split_hash


def test_the_seed_decides_folds_and_limits(cohort: Any, ridge_cox: Any) -> None:
    def run(seed: int, **options: Any) -> Evaluation:
        options = {"baselines": False, "bootstrap": 50, **options}
        return evaluate(ridge_cox(), cohort.X, cohort.y, random_state=seed, **options)

    assert run(1).to_markdown() == run(1).to_markdown()
    assert run(1).split_hash != run(2).split_hash
    given = make_folds(cohort.y)
    one, other = (run(seed, folds=given).summary for seed in (1, 2))
    assert one["mean"].equals(other["mean"])
    assert not one["lower"].equals(other["lower"])


def test_a_fold_of_censored_patients_has_no_value_and_takes_no_part_in_the_mean(
    cohort: Any, ridge_cox: Any
) -> None:
    censored = list(cohort.y.index[~cohort.y["event"]][:20])
    given = pd.Series(np.arange(200) % 4, cohort.y.index)
    given[censored] = 9
    result = evaluate(ridge_cox(), cohort.X, cohort.y, folds=given, baselines=False, bootstrap=50)
    scores = result.per_fold.query("metric == 'c_index'").set_index("fold")
    assert pd.isna(scores.loc[4, "value"])
    assert "No pair of the 20 patients is comparable" in scores.loc[4, "reason"]
    row = _row(result.summary, "model", "c_index")
    assert row["folds"] == 4
    judged = result.predictions[result.predictions["fold"] != 4]
    expected = [
        concordance_index(part["time"], -part["risk"], part["event"])
        for _, part in judged.groupby("fold")
    ]
    assert row["mean"] == pytest.approx(np.mean(expected))
    assert result.warnings[0] == "Fold 4 decides nothing: none of 20 test patients has the event."


def test_a_horizon_beyond_tau_is_a_warning(cohort: Any, ridge_cox: Any) -> None:
    options = {"baselines": False, "bootstrap": 0, "horizons": [12, 45]}
    result = evaluate(ridge_cox(), cohort.X, cohort.y, **options)
    assert result.plan.tau < 45
    assert [text[:27] for text in result.warnings] == ["Horizon 45 lies beyond tau "]


def test_few_events_in_a_fold_are_a_warning(make_cohort: Any, ridge_cox: Any) -> None:
    cohort = make_cohort(40)
    result = evaluate(ridge_cox(), cohort.X, cohort.y, baselines=False, bootstrap=0)
    counts = result.fold_counts["test event"]
    assert result.warnings[0].startswith("Folds 0, 1, 2, 3 and 4 decide little: ")
    assert f": {counts.min()} to {counts.max()} of 7 to 9 test patients" in result.warnings[0]


def test_a_baseline_that_a_fold_cannot_decide_has_a_reason(cohort: Any, ridge_cox: Any) -> None:
    given = pd.Series(np.arange(200) % 4, cohort.y.index)
    rare = cohort.X["rna"][given[cohort.X["rna"].index] != 2]
    tables = {"clinical": cohort.X["clinical"], "rare": rare}
    result = evaluate(ridge_cox(), tables, cohort.y, folds=given, bootstrap=20)
    alone = result.per_fold.query("model == 'rare alone' and metric == 'c_index'")
    assert alone["value"].isna().tolist() == [False, False, True, False]
    assert "No test patient of fold 2 has a value in rare" in alone["reason"].iloc[2]
    assert any("'rare alone' was not fitted in 1 of 4 folds" in text for text in result.warnings)


def test_a_patient_without_any_table_is_left_out_by_name(cohort: Any, ridge_cox: Any) -> None:
    tables = {name: table.drop("p007", errors="ignore") for name, table in cohort.X.items()}
    given = make_folds(cohort.y)
    result = evaluate(ridge_cox(), tables, cohort.y, folds=given, baselines=False, bootstrap=0)
    assert re.match(r"1 of 200 patients have no value in .*\(first: 'p007'\)", result.warnings[0])
    assert result.fold_counts["test"].sum() == 199


def test_tables_whose_ids_are_spelt_in_another_way_are_refused(cohort: Any, ridge_cox: Any) -> None:
    tables = {name: table.rename(index=str.upper) for name, table in cohort.X.items()}
    with pytest.raises(MissingModalityError, match=r"200 of 200 patients .*spelt as in y"):
        evaluate(ridge_cox(), tables, cohort.y)


def test_patients_without_outcome_are_counted(cohort: Any, ridge_cox: Any) -> None:
    y = cohort.y.drop(["p003", "p004"])
    result = evaluate(ridge_cox(), cohort.X, y, baselines=False, bootstrap=0)
    assert result.warnings == ("2 patients of the tables have no outcome and were left out.",)


def test_an_error_of_a_model_says_where_it_was(cohort: Any, ridge_cox: Any) -> None:
    with pytest.raises(ValueError, match="Penalties") as caught:
        evaluate({"bad": ridge_cox(penalty=-1)}, cohort.X, cohort.y)
    assert caught.value.__notes__ == ["This was the model 'bad' in fold 0."]


def test_a_model_called_like_a_baseline_is_refused(cohort: Any, ridge_cox: Any) -> None:
    with pytest.raises(DuplicateIdError, match="'rna alone' is the name of a baseline"):
        evaluate({"rna alone": ridge_cox()}, cohort.X, cohort.y)


def test_no_model_is_an_error(cohort: Any) -> None:
    with pytest.raises(TypeError, match="No model was given"):
        evaluate({}, cohort.X, cohort.y)


def test_string_and_number_labels_give_one_result(cohort: Any, logistic: Any) -> None:
    numbers = (cohort.classes == "tumour").astype(int)
    options = {"baselines": False, "bootstrap": 20}
    one = evaluate(logistic(), cohort.X, cohort.classes, **options)
    other = evaluate(logistic(), cohort.X, numbers, **options)
    pd.testing.assert_frame_equal(one.summary, other.summary)


def test_three_classes_are_evaluated(cohort: Any, logistic: Any) -> None:
    third = cohort.X["clinical"]["b"] > 0.8
    labels = cohort.classes.where(~third, "other")
    result = evaluate(logistic(), cohort.X, labels, baselines=False, bootstrap=20)
    assert result.classes == ("normal", "other", "tumour")
    assert _row(result.summary, "model", "auroc")["mean"] > 0.8


def test_an_error_of_a_baseline_says_where_it_was(cohort: Any, ridge_cox: Any) -> None:
    class Fussy(ridge_cox):
        def fit(self, tables: dict[str, pd.DataFrame], y: pd.DataFrame) -> Any:
            if len(tables) < 3:
                msg = "needs three tables"
                raise ValueError(msg)
            return super().fit(tables, y)

    with pytest.raises(ValueError, match="needs three tables") as caught:
        evaluate(Fussy(), cohort.X, cohort.y)
    assert caught.value.__notes__ == ["This was the baseline 'clinical alone' in fold 0."]


def test_two_processes_find_what_one_does(cohort: Any) -> None:
    tables = {name: cohort.X[name] for name in ("clinical", "rna")}
    options = {"folds": 2, "bootstrap": 20}
    one, other = (evaluate(FusionSurvival(), tables, cohort.y, n_jobs=n, **options) for n in (1, 2))
    pd.testing.assert_frame_equal(one.summary, other.summary, rtol=1e-9)


def test_progress_counts_every_fit(cohort: Any, ridge_cox: Any) -> None:
    steps: list[tuple[int, int]] = []
    tables = {name: cohort.X[name] for name in ("clinical", "rna")}
    evaluate(
        ridge_cox(), tables, cohort.y, folds=2, bootstrap=0,
        progress=lambda done, total: steps.append((done, total)),
    )  # fmt: skip
    # The model, each of two tables alone and permuted; in two folds.
    assert steps == [(number, 10) for number in range(1, 11)]


def test_groups_are_resampled_together(make_cohort: Any, ridge_cox: Any) -> None:
    # Every patient five times over: intervals must be as wide as those of one copy each.
    cohort = make_cohort(60)
    copies = [f"{patient}-{copy}" for patient in cohort.y.index for copy in range(5)]
    person = pd.Series([name[:4] for name in copies], copies)
    y = cohort.y.loc[person].set_axis(copies)
    table = cohort.X["clinical"].loc[person].set_axis(copies)
    options = {"folds": 2, "baselines": False, "bootstrap": 300}
    one = evaluate(ridge_cox(), {"t": cohort.X["clinical"]}, cohort.y, **options).summary.iloc[0]
    many = evaluate(ridge_cox(), {"t": table}, y, groups=person, **options).summary.iloc[0]
    width = one["upper"] - one["lower"]
    assert many["upper"] - many["lower"] == pytest.approx(width, rel=0.35)
