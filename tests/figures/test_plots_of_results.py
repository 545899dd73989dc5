"""Results draw the pictures that ``msfusion_sdk.figures`` draws of them."""

from importlib.metadata import entry_points
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from msfusion_sdk import Cohort, FusionClassifier, FusionSurvival, SlideEmbedding, SlideEncoder
from msfusion_sdk.errors import DegenerateSplitError, PluginError
from msfusion_sdk.evaluation import Evaluation, evaluate
from msfusion_sdk.figures import draw_completeness, write_overlay
from msfusion_sdk.plugins import drawn

PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def table() -> dict[str, pd.DataFrame]:
    ids = pd.Index([f"p{i:02d}" for i in range(60)], name="patient_id")
    cells = np.random.default_rng(0).normal(size=(60, 2))
    return {"panel": pd.DataFrame(cells, ids, ["a", "b"])}


@pytest.fixture(scope="module")
def told(table: dict[str, pd.DataFrame]) -> pd.Series:
    """What the first column tells in part."""
    return table["panel"]["a"] + np.random.default_rng(1).normal(size=60)


@pytest.fixture(scope="module")
def survival(table: dict[str, pd.DataFrame], told: pd.Series) -> Evaluation:
    y = pd.DataFrame({"time": np.exp(-told), "event": np.arange(60) % 3 > 0})
    return evaluate(FusionSurvival(), table, y, folds=2, bootstrap=20)


@pytest.fixture(scope="module")
def classes(table: dict[str, pd.DataFrame], told: pd.Series) -> Evaluation:
    y = told.gt(0).map({True: "high", False: "low"})
    return evaluate(FusionClassifier(), table, y, folds=2, bootstrap=20)


@pytest.mark.parametrize("name", ["forest", "calibration", "risk_groups"])
def test_an_evaluation_of_survival_draws(survival: Evaluation, name: str) -> None:
    assert getattr(survival, f"plot_{name}")()._repr_png_().startswith(PNG)


@pytest.mark.parametrize("name", ["forest", "calibration", "roc", "precision_recall"])
def test_an_evaluation_of_classes_draws(classes: Evaluation, name: str) -> None:
    assert getattr(classes, f"plot_{name}")()._repr_png_().startswith(PNG)


def test_what_it_has_not_is_said(survival: Evaluation) -> None:
    with pytest.raises(DegenerateSplitError):
        survival.plot_contributions()  # of one table
    with pytest.raises(KeyError, match="No model 'other'"):
        survival.plot_calibration(model="other")


def test_a_slide_is_drawn_as_write_overlay_writes_it(
    small_encoder: SlideEncoder, made_slide: Path, tmp_path: Path
) -> None:
    result = small_encoder.encode(made_slide)
    shown = result.plot(made_slide)
    written = write_overlay(made_slide, result, tmp_path / "overlay.png")
    data = BytesIO()
    shown.savefig(data, format="png", dpi=shown.dpi)
    wide = cv2.imread(str(written)).shape[1] / cv2.imread(str(written)).shape[0]
    figure = cv2.imdecode(np.frombuffer(data.getvalue(), np.uint8), cv2.IMREAD_COLOR)
    assert figure.shape[1] / figure.shape[0] == pytest.approx(wide, rel=0.02)


def test_a_result_is_kept_apart_from_its_file(
    small_encoder: SlideEncoder, made_slide: Path, tmp_path: Path
) -> None:
    path = small_encoder.encode(made_slide).to_parquet(tmp_path / "case.parquet")
    again = SlideEmbedding.from_parquet(path)
    assert len(again.plot(made_slide).axes) >= 2  # the slide, and the attention over it


def test_a_cohort_draws_its_completeness(tmp_path: Path) -> None:
    patients = tmp_path / "patients.csv"
    patients.write_text("patient_id,age\np1,60\np2,70\n")
    cohort = Cohort.create(tmp_path / "cohort", patients=patients)
    cohort.add_modality("panel", pd.DataFrame({"patient_id": ["p1"], "x": [1.0]}))
    shown, wanted = cohort.plot_completeness(), draw_completeness(cohort.completeness())
    assert [_texts(axes) for axes in shown.axes] == [_texts(axes) for axes in wanted.axes]


def test_each_picture_that_is_registered_can_be_loaded() -> None:
    found = entry_points(group="msfusion_sdk.plots")
    assert {entry.name for entry in found} >= {"roc", "slide", "completeness"}
    assert all(callable(entry.load()) for entry in found)


def test_a_picture_that_nobody_registered_is_said() -> None:
    with pytest.raises(PluginError, match="Install msfusion-sdk again"):
        drawn("nothing")


def _texts(axes: object) -> list[str]:
    return [text.get_text() for text in axes.texts]  # type: ignore[attr-defined]
