"""Figures of an evaluation: they show the numbers of the result, and are small files."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.metrics import roc_curve

from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.evaluation.evaluate import evaluate
from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.figures.calibration import wilson_limits
from msfusion_sdk.figures.evaluation_figures import (
    draw_calibration,
    draw_forest,
    draw_precision_recall,
    draw_risk_groups,
    draw_roc,
    write_figures,
)

pytestmark = pytest.mark.slow

PNG = b"\x89PNG"


class Teller(BaseEstimator):
    """Says what is in the column ``x``: risk, survival or chance."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def fit(self, tables: Mapping[str, pd.DataFrame], y: object) -> Self:
        return self

    def predict_risk(self, tables: Mapping[str, pd.DataFrame]) -> pd.Series:
        return self.scale * tables["table"]["x"]

    def predict_survival(
        self, tables: Mapping[str, pd.DataFrame], times: np.ndarray
    ) -> pd.DataFrame:
        hazard = np.exp(self.predict_risk(tables).to_numpy()[:, None]) / 20
        return pd.DataFrame(np.exp(-hazard * times), tables["table"].index, times)

    def predict_proba(self, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        chance = 1 / (1 + np.exp(-self.predict_risk(tables)))
        return pd.DataFrame({"no": 1 - chance, "yes": chance})


@pytest.fixture(scope="module")
def table() -> dict[str, pd.DataFrame]:
    ids = pd.Index([f"p{i:03d}" for i in range(150)], name="patient_id")
    return {"table": pd.DataFrame({"x": np.random.default_rng(0).normal(size=150)}, ids)}


@pytest.fixture(scope="module")
def survival(table: dict[str, pd.DataFrame]) -> Evaluation:
    rng, x = np.random.default_rng(1), table["table"]["x"]
    died, left = rng.exponential(20, 150) * np.exp(-x), rng.uniform(5, 60, 150)
    y = pd.DataFrame({"time": np.minimum(died, left), "event": died <= left}, x.index)
    y.attrs["unit"] = "months"
    return evaluate({"a": Teller(), "b": Teller(-1)}, table, y, horizons=[6, 12], bootstrap=50)


@pytest.fixture(scope="module")
def classes(table: dict[str, pd.DataFrame]) -> Evaluation:
    x = table["table"]["x"]
    is_in = np.random.default_rng(1).random(150) < 1 / (1 + np.exp(-x))
    y = pd.Series(np.where(is_in, "yes", "no"), x.index)
    return evaluate(Teller(), table, y, folds=2, bootstrap=50)


def test_a_unit_given_to_a_figure_is_still_used_and_warns(survival: Evaluation) -> None:
    with pytest.warns(DeprecationWarning, match=r"unit= of draw_risk_groups\(\).*y.attrs"):
        _, below = draw_risk_groups(survival, unit="weeks").axes  # type: ignore[call-arg]
    assert below.get_xlabel() == "time (weeks)"


def test_survival_has_figures_of_less_than_half_a_megabyte(
    survival: Evaluation, tmp_path: Path
) -> None:
    written = write_figures(survival, tmp_path)
    assert list(written) == ["forest.png", "calibration.png", "risk_groups.png"]
    for path in written.values():
        assert path.read_bytes()[:4] == PNG
        assert path.stat().st_size < 500_000


def test_classes_have_roc_and_precision_recall_curves(classes: Evaluation, tmp_path: Path) -> None:
    written = write_figures(classes, tmp_path)
    assert list(written) == ["forest.png", "calibration.png", "roc.png", "precision_recall.png"]
    assert all(path.stat().st_size < 500_000 for path in written.values())


def test_a_figure_that_cannot_be_drawn_has_a_reason(
    table: dict[str, pd.DataFrame], survival: Evaluation, tmp_path: Path
) -> None:
    rows = survival.predictions[["patient_id", "time", "event"]].drop_duplicates()
    flat = evaluate(Teller(0.0), table, rows.set_index("patient_id"), bootstrap=0, baselines=False)
    written = write_figures(flat, tmp_path)
    assert "No patient is in group 'high risk'" in written["risk_groups.png"]
    assert not (tmp_path / "risk_groups.png").exists()
    with pytest.raises(DegenerateSplitError):
        draw_risk_groups(flat)


def test_the_forest_has_every_model_with_its_value(survival: Evaluation) -> None:
    (axes,) = draw_forest(survival).axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["a (n = 150)", "b (n = 150)", "table permuted (n = 150)"]
    texts = [text.get_text() for text in axes.texts]
    mean = survival.summary["mean"].iloc[0]
    assert any(text.startswith(f"{mean:.3f} (") for text in texts)


def test_the_forest_of_an_unknown_metric_names_the_known_ones(survival: Evaluation) -> None:
    with pytest.raises(KeyError, match="known: c_index, c_index_uno"):
        draw_forest(survival, metric="accuracy")


def test_numbers_at_risk_are_counts_of_patients(survival: Evaluation) -> None:
    curves, below = draw_risk_groups(survival).axes
    rows = survival.predictions.query("model == 'a'")
    late = rows[rows["time"] >= 20]["high_risk"]
    counts = {(t.get_position()[0], -t.get_position()[1]): t.get_text() for t in below.texts}
    assert counts[20.0, 0] == str((~late).sum())
    assert counts[20.0, 1] == str(late.sum())
    assert below.get_xlabel() == "time (months)"
    assert f"{(~rows['high_risk']).sum()} patients" in curves.get_legend_handles_labels()[1][0]


def test_another_model_can_be_shown_and_an_unknown_one_is_refused(survival: Evaluation) -> None:
    assert draw_risk_groups(survival, model="b").axes[0].get_title(loc="left").startswith("b:")
    with pytest.raises(KeyError, match="'a', 'b', 'table permuted'"):
        draw_calibration(survival, model="c")


def test_calibration_of_survival_has_a_curve_per_horizon(survival: Evaluation) -> None:
    (axes,) = draw_calibration(survival).axes
    labels = axes.get_legend_handles_labels()[1]
    assert labels == ["as predicted", "event by 6 months", "event by 12 months"]


def test_calibration_of_classes_shows_shares_counted_in_fifths(classes: Evaluation) -> None:
    (axes,) = draw_calibration(classes).axes
    rows = classes.predictions.query("model == 'model'").sort_values("proba_yes")
    fifths = (rows["class"] == "yes").to_numpy().reshape(5, 30).mean(axis=1)
    assert axes.lines[1].get_ydata() == pytest.approx(fifths)


def test_limits_of_a_share_are_those_of_a_published_example() -> None:
    # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3: 81 of 263.
    assert wilson_limits(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_limits(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)


def test_the_roc_curve_is_the_mean_of_those_of_the_folds(classes: Evaluation) -> None:
    (axes,) = draw_roc(classes).axes
    rate, shown = axes.lines[1].get_data()
    mine = classes.predictions.query("model == 'model'")
    curves = [roc_curve(p["class"] == "yes", p["proba_yes"])[:2] for _, p in mine.groupby("fold")]
    expected = np.mean([np.interp(rate[1:], *curve) for curve in curves], axis=0)
    assert shown[1:] == pytest.approx(expected)
    assert "AUROC" in axes.get_title(loc="left")


def test_an_roc_curve_needs_a_fold_with_both_classes(classes: Evaluation) -> None:
    apart = classes.predictions.assign(fold=(classes.predictions["class"] == "yes").astype(int))
    with pytest.raises(DegenerateSplitError, match="No test fold holds class 'yes' and another"):
        draw_roc(replace(classes, predictions=apart))


def test_precision_at_full_recall_is_that_of_the_weakest_patient(classes: Evaluation) -> None:
    (axes,) = draw_precision_recall(classes).axes
    recall, shown = axes.lines[1].get_data()
    mine = classes.predictions.query("model == 'model'")
    wanted = []
    for _, fold in mine.groupby("fold"):
        is_in = fold["class"] == "yes"
        weakest = fold.loc[is_in, "proba_yes"].min()
        wanted.append(is_in.sum() / (fold["proba_yes"] >= weakest).sum())
    assert recall[-1] == 1
    assert shown[-1] == pytest.approx(np.mean(wanted))
    share = (mine["class"] == "yes").mean()
    assert axes.lines[0].get_ydata()[0] == pytest.approx(share)
