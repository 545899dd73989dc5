"""The page on an evaluation and on a model: the numbers are those of the tables they are from."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk import Cohort
from msfusion_sdk.errors import StoreCorruptError, StoreError
from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.figures.contributions import draw_contributions
from msfusion_sdk.report.write import write_report
from msfusion_sdk.study.evaluation_folder import write_evaluation
from msfusion_sdk.study.evaluation_record import EvaluationRecord
from msfusion_sdk.study.models import evaluate_on_cohort
from msfusion_sdk.study.train import train_on_cohort

from .conftest import Page, read_page

pytestmark = pytest.mark.slow

COMMAND = "msfusion evaluate cohort --outcome survival --out judged"


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """80 patients of two tables, one of which tells much of the time."""
    rng = np.random.default_rng(0)
    ids, age = [f"P{number:02d}" for number in range(80)], rng.integers(30, 90, 80).astype(float)
    months = 200 - age + rng.normal(0, 12, 80)
    table = pd.DataFrame({"patient_id": ids, "time_months": months, "event": [1, 1, 0, 1] * 20})
    table["diagnosis"] = ["luad", "lusc"] * 40
    made = Cohort.create(tmp_path_factory.mktemp("evaluated") / "cohort", patients=table)
    made.add_modality("clinical", pd.DataFrame({"patient_id": ids, "age": age}))
    made.add_modality("noise", pd.DataFrame({"patient_id": ids, "x": rng.normal(size=80)}))
    return made


@pytest.fixture(scope="module")
def evaluation(cohort: Cohort) -> Evaluation:
    return evaluate_on_cohort(cohort, "survival", folds=4, bootstrap=30)


@pytest.fixture(scope="module")
def folder(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("out_of_fold")
    write_evaluation(evaluation, made, command=COMMAND)
    return made


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return read_page(write_report(folder, folder / "r.html"))


def test_every_model_has_its_value_and_interval(page: Page, evaluation: Evaluation) -> None:
    head, *rows = page.tables["chapter-1-model-table"]
    assert head[:3] == ["model", "patients", "C-index (higher is better)"]
    summary = evaluation.summary.query("metric == 'c_index'").set_index("model")
    assert [row[0] for row in rows] == list(summary.index)
    for name, _, text, *_ in rows:
        one = summary.loc[name]
        wanted = f"{one['mean']:.3f} ({one['lower']:.3f} to {one['upper']:.3f})"
        assert text.replace("\u00a0", " ") == wanted


def test_folds_are_shown_with_their_events(page: Page, evaluation: Evaluation) -> None:
    head, *rows = page.tables["chapter-1-fold-table"]
    column = head.index("test event")
    # 60 of 80 patients have an event, in 4 folds.
    assert sum(int(row[column]) for row in rows) == 60
    assert [int(row[0]) for row in rows] == [0, 1, 2, 3]
    values = evaluation.per_fold.query("model == 'model' and metric == 'c_index'")["value"]
    assert [float(row[-1]) for row in rows] == pytest.approx(list(values), abs=5e-4)


def test_figures_and_command_are_there(page: Page) -> None:
    titles = [picture["alt"].split(" ")[0] for picture in page.all("img")]
    assert titles == ["Models", "What", "Kaplan-Meier", "Calibration:"]
    assert page.prose.count(COMMAND) >= 4


def test_the_chapter_begins_with_the_verdict(page: Page, evaluation: Evaluation) -> None:
    start = page.prose[: page.prose.index("Models and baselines")]
    assert "Fusion beats chance on 80 patients: C-index " in start
    for sentence in evaluation.verdict:
        assert sentence in start


def test_contributions_are_drawn_where_they_are(evaluation: Evaluation) -> None:
    (axes,) = draw_contributions(evaluation).axes
    rows = evaluation.contributions.query("metric == 'c_index'")
    assert [label.get_text() for label in axes.get_yticklabels()] == list(rows["table"])
    drawn = [line.get_xdata()[0] for line in axes.lines[1:]]
    assert drawn == pytest.approx(list(rows["difference"].astype(float)))


def test_the_record_holds_every_row_of_the_tables(folder: Path, evaluation: Evaluation) -> None:
    record = EvaluationRecord.read(folder)
    assert len(record.summary) == len(evaluation.summary)
    assert record.summary[0]["mean"] == pytest.approx(evaluation.summary["mean"].iloc[0])
    assert (record.unit, record.command, record.kind) == ("months", COMMAND, "survival")


def test_a_damaged_record_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_text('{"format": 1}')
    with pytest.raises(StoreCorruptError, match="Evaluate again"):
        write_report(tmp_path, tmp_path / "r.html")


def test_an_evaluation_of_classes_has_its_curves_and_names_the_positive_class(
    cohort: Cohort, tmp_path: Path
) -> None:
    evaluation = evaluate_on_cohort(cohort, "diagnosis", folds=2, bootstrap=0)
    write_evaluation(evaluation, tmp_path)
    page = read_page(write_report(tmp_path, tmp_path / "r.html"))
    titles = [picture["alt"].split(" ")[0] for picture in page.all("img")]
    assert titles == ["Models", "What", "ROC", "Precision", "Calibration:"]
    assert "lusc is the positive one" in page.prose
    assert "evaluate(…) and write_evaluation(…) in Python" in page.prose


def test_a_model_is_shown_with_counts_command_and_card(cohort: Cohort, tmp_path: Path) -> None:
    train_on_cohort(cohort, "survival", tmp_path / "model", modalities=["clinical"])
    page = read_page(write_report(tmp_path / "model", tmp_path / "r.html"))
    facts = dict(row for row in page.tables["facts"] if len(row) == 2)
    assert facts["patients"] == "80: 60 with an event, time in months"
    assert "msfusion train COHORT --outcome survival --modalities clinical" in page.prose
    assert "Not a medical device" in page.prose


def test_a_card_cannot_bring_in_anything(cohort: Cohort, tmp_path: Path) -> None:
    train_on_cohort(cohort, "survival", tmp_path / "model", modalities=["clinical"])
    card = "# Card\n\n<script>x</script>\n\n![p](https://x.org/p.png) [l](javascript:x)\n"
    (tmp_path / "model" / "README.md").write_text(card)
    page = read_page(write_report(tmp_path / "model", tmp_path / "r.html"))
    assert (len(page.all("script")), page.all("img"), page.all("a")) == (1, [], [])
    assert "<script>x</script>" in page.prose


def test_several_folders_are_chapters_of_one_page(
    cohort: Cohort, folder: Path, tmp_path: Path
) -> None:
    page = read_page(write_report([cohort.root, folder], tmp_path / "r.html"))
    assert len(page.all("article")) == 2
    assert [link["href"] for link in page.all("a")] == ["#chapter-1", "#chapter-2"]


def test_a_page_that_cannot_be_written_is_a_store_error(cohort: Cohort, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Create the folder"):
        write_report(cohort.root, tmp_path / "nowhere" / "r.html")
