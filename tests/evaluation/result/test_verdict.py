"""The sentences say what the intervals show, and nothing else."""

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk.evaluation.result.verdict import MainMetric, verdict

METRIC = MainMetric("c_index", "C-index", 0.5)
Limits = tuple[float | None, float | None, float | None]


def said(
    values: dict[str, Limits],
    steps: dict[str, Limits] | None = None,
    worth: dict[str, Limits] | None = None,
    *,
    models: tuple[str, ...] = ("model",),
    patients: int = 59,
    bootstrap: int = 1000,
) -> str:
    """The verdict on made results: by model mean and limits, and differences from the first."""
    summary = pd.DataFrame(
        [
            {"model": n, "metric": "c_index", "mean": v, "lower": lo, "upper": hi,
             "patients": patients}
            for n, (v, lo, hi) in values.items()
        ]
    )  # fmt: skip

    def rows(kind: str, given: dict[str, Limits] | None) -> pd.DataFrame:
        names = ["difference", "lower", "upper"]
        made = [
            {kind: n, "metric": "c_index", **dict(zip(names, step, strict=True))}
            for n, step in (given or {}).items()
        ]
        return pd.DataFrame(made)

    return " ".join(
        verdict(
            summary, rows("model", steps), rows("table", worth),
            models=models, metric=METRIC, bootstrap=bootstrap,
        )
    )  # fmt: skip


GOOD, BETTER, GUESS = (0.71, 0.66, 0.75), (0.80, 0.75, 0.85), (0.50, 0.41, 0.59)


def test_fusion_that_is_worse_than_a_table_says_by_how_much() -> None:
    text = said(
        {"model": GOOD, "clinical alone": GUESS, "genomics alone": BETTER},
        {"clinical alone": (0.2, 0.1, 0.3), "genomics alone": (-0.12, -0.19, -0.06)},
    )
    assert "Fusion beats chance on 59 patients: C-index 0.71 (0.66 to 0.75)." in text
    assert "Fusion is worse than genomics alone by 0.12 (0.06 to 0.19)." in text


def test_when_nothing_beats_chance_no_model_is_compared() -> None:
    text = said(
        {"model": GUESS, "clinical alone": (0.55, 0.49, 0.62)},
        {"clinical alone": (-0.05, -0.1, 0.02)},
        {"slide": (0.01, -0.02, 0.03)},
    )
    assert text == (
        "No model beats chance on these 59 patients (Fusion: C-index 0.50 (0.41 to 0.59))."
    )


def test_a_permuted_table_is_no_model_that_beats_chance() -> None:
    text = said({"model": GUESS, "clinical alone": GUESS, "clinical permuted": BETTER})
    assert text.startswith("No model beats chance")


def test_a_model_at_chance_beside_a_table_that_is_not() -> None:
    text = said({"model": GUESS, "genomics alone": GOOD}, {"genomics alone": (-0.21, -0.30, -0.1)})
    assert "Fusion does not beat chance on these 59 patients" in text
    assert "Fusion is worse than genomics alone by 0.21 (0.10 to 0.30)." in text


def test_better_than_the_best_table_names_it() -> None:
    text = said(
        {"model": BETTER, "clinical alone": GOOD, "genomics alone": (0.6, 0.55, 0.65)},
        {"clinical alone": (0.09, 0.05, 0.13), "genomics alone": (0.2, 0.15, 0.25)},
    )
    assert (
        "Fusion is better than clinical alone, the best single table, by 0.09 (0.05 to 0.13)."
        in text
    )


def test_an_interval_that_holds_zero_shows_no_difference() -> None:
    text = said({"model": GOOD, "clinical alone": GOOD}, {"clinical alone": (0.01, -0.02, 0.04)})
    assert "Fusion is not shown to differ from clinical alone: +0.010 (-0.020 to +0.040)." in text


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ((0.08, 0.03, 0.12), "slide adds 0.08 (0.03 to 0.12)."),
        ((0.003, -0.01, 0.016), "slide adds nothing that shows: +0.003 (-0.010 to +0.016)."),
        ((-0.07, -0.1, -0.03), "slide takes away 0.07 (0.03 to 0.10)."),
        ((0.02, None, None), "What slide adds is not judged: there is no interval."),
    ],
)
def test_what_a_table_adds(step: Limits, sentence: str) -> None:
    assert sentence in said({"model": GOOD}, {}, {"slide": step})


def test_a_late_average_that_is_better_is_said_and_one_that_is_not_is_left_out() -> None:
    better = said({"model": GOOD}, {"late average": (-0.05, -0.08, -0.02)})
    assert "worse than the late average of single tables by 0.05 (0.02 to 0.08)" in better
    assert "late average" not in said({"model": GOOD}, {"late average": (0.0, -0.02, 0.02)})


def test_several_models_are_compared_with_the_first_by_name() -> None:
    text = said(
        {"stacking": GOOD, "concat": GOOD},
        {"concat": (-0.03, -0.05, -0.02)},
        models=("stacking", "concat"),
    )
    assert "'stacking' is worse than 'concat' by 0.03 (0.02 to 0.05)." in text


def test_worse_than_chance_asks_for_a_look_at_the_outcome() -> None:
    text = said({"model": (0.3, 0.22, 0.38)})
    assert text.startswith("The model is worse than chance on these 59 patients")


@pytest.mark.parametrize(("bootstrap", "why"), [(0, "without an"), (1000, "too few for an")])
def test_without_intervals_differences_are_not_judged(bootstrap: int, why: str) -> None:
    text = said({"model": (0.7, None, None)}, patients=8, bootstrap=bootstrap)
    assert text == (
        f"The model has a C-index of 0.70 on 8 patients, {why} interval. Differences are not "
        "judged."
    )


def test_a_model_without_a_value_points_to_the_warnings() -> None:
    assert said({"model": (np.nan, None, None)}) == (
        "The model has no C-index on these 59 patients: see the warnings."
    )


def test_a_metric_without_a_known_chance_level_is_only_stated() -> None:
    summary = pd.DataFrame(
        [
            {
                "model": "model",
                "metric": "rmse",
                "mean": 2.0,
                "lower": 1.5,
                "upper": 2.5,
                "patients": 9,
            }
        ]
    )
    text = verdict(
        summary, pd.DataFrame(), pd.DataFrame(),
        models=["model"], metric=MainMetric("rmse", "RMSE", None), bootstrap=10,
    )  # fmt: skip
    assert text == ("The model reaches RMSE 2.00 (1.50 to 2.50) on 9 patients.",)
