"""What an object says of itself is short, true, and safe to be shown in a notebook."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk import (
    Cohort,
    FusionClassifier,
    FusionSurvival,
    SlideEmbedding,
    SlideEncoder,
    evaluate,
    open_slide,
)
from msfusion_sdk.deployment import Applied
from msfusion_sdk.evaluation import Evaluation, make_folds
from msfusion_sdk.phrases import html_table, one_line
from msfusion_sdk.testing import make_slide
from msfusion_sdk.validation import ExternalValidation

pytestmark = pytest.mark.slow

IDS = pd.Index([f"P{number:02d}" for number in range(40)], name="patient_id")
EVIL = "<script>alert('P1')</script> & \"x\""


class Cells(HTMLParser):
    """The texts of a page, by the tag they stand in, and the tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        self.texts[-1] += data


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    rng = np.random.default_rng(0)
    tables = {name: pd.DataFrame(rng.normal(size=(40, 2)), IDS) for name in ("clinical", "rna")}
    time = np.exp(-2 * tables["clinical"][0] - tables["rna"][0])
    y = pd.DataFrame({"time": time, "event": np.resize([True, True, False], 40)}, IDS)
    models = {EVIL: FusionSurvival(), "sum": FusionSurvival(fusion="product_of_experts")}
    return evaluate(models, tables, y, folds=2, bootstrap=20, progress=False)


@pytest.fixture(scope="module")
def result(small_encoder: SlideEncoder, tmp_path_factory: pytest.TempPathFactory) -> SlideEmbedding:
    path = make_slide(tmp_path_factory.mktemp("shown") / "s.svs", 1024, 768, tissue="full")
    return small_encoder.encode(path, slide_id="<i>x")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    table = pd.DataFrame({"patient_id": IDS, "diagnosis": np.resize(["a", "b"], 40)})
    made = Cohort.create(tmp_path_factory.mktemp("shown") / "c<b>", patients=table)
    made.add_modality("rna", pd.DataFrame({"patient_id": IDS, "x": 1.0}))
    return made


@pytest.fixture(scope="module")
def shown(
    evaluation: Evaluation, result: SlideEmbedding, cohort: Cohort, small_encoder: SlideEncoder,
    made_slide: Path,
) -> dict[str, Any]:  # fmt: skip
    return {
        "SlideEncoder": small_encoder,
        "Slide": open_slide(made_slide),
        "SlideEmbedding": result,
        "Provenance": result.provenance,
        "Cohort": cohort,
        "Evaluation": evaluation,
    }


NAMES = ("SlideEncoder", "Slide", "SlideEmbedding", "Provenance", "Cohort", "Evaluation")


@pytest.mark.parametrize("name", NAMES)
def test_a_line_begins_with_the_name_of_the_class(shown: dict[str, Any], name: str) -> None:
    line = repr(shown[name])
    assert line.startswith(f"{name}(")
    assert "\n" not in line
    assert len(line) < 350
    assert str(shown[name]) == line


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_given_a_small_table_and_no_other_tag(
    shown: dict[str, Any], name: str
) -> None:
    text = shown[name]._repr_html_()
    assert set(Cells(text).tags) == {"div", "strong", "table", "tbody", "tr", "th", "td"}
    assert len(text) < 4_000


def test_what_users_named_is_text_in_a_notebook(evaluation: Evaluation, cohort: Cohort) -> None:
    assert any(EVIL[:39] in cell for cell in Cells(evaluation._repr_html_()).texts)
    assert f"Cohort {cohort.root}" in Cells(cohort._repr_html_()).texts


def test_a_slide_names_its_size_and_spacing_and_not_its_folder(made_slide: Path) -> None:
    with open_slide(made_slide) as slide:
        assert "'made-slide.svs'" in repr(slide)
        assert "1536 × 1024 px, 0.25 µm/px" in repr(slide)
        assert str(made_slide.parent) not in repr(slide) + slide._repr_html_()


def test_a_slide_without_spacing_says_so(tmp_path: Path) -> None:
    path = make_slide(tmp_path / "bare.svs", 512, 512, mpp=None)
    with open_slide(path) as slide:
        assert "no µm/px" in repr(slide)


def test_an_encoder_names_model_and_fingerprint(small_encoder: SlideEncoder) -> None:
    assert repr(small_encoder) == (
        "SlideEncoder('small', 1024 numbers, 16 µm at 0.25 µm/px, cpu fp32 torch, "
        f"{small_encoder.fingerprint[:12]})"
    )


def test_patches_that_were_not_stored_are_not_counted_as_none(
    result: SlideEmbedding, tmp_path: Path
) -> None:
    path = result.to_parquet(tmp_path / "x.parquet", patches=False)
    assert "patch rows not stored" in repr(SlideEmbedding.from_parquet(path))
    assert f"{result.patches.num_rows} patches" in repr(result)


def test_a_provenance_still_shows_everything_on_demand(result: SlideEmbedding) -> None:
    assert result.provenance.model.fingerprint[:12] in repr(result.provenance)
    assert result.provenance.model_dump()["config"]["name"] == "small"


def test_a_cohort_counts_and_says_when_it_is_damaged(cohort: Cohort, tmp_path: Path) -> None:
    assert repr(cohort).endswith("40 patients, 0 slides, modalities rna, outcomes diagnosis)")
    damaged = shutil.copytree(cohort.root, tmp_path / "c")
    (damaged / "patients.parquet").write_bytes(b"x")
    assert "cannot be read [Store" in repr(Cohort.open(damaged))


def test_an_evaluation_names_its_models_with_their_intervals(evaluation: Evaluation) -> None:
    mean, lower, upper = evaluation.summary.query("model == 'sum' and metric == 'c_index'")[
        ["mean", "lower", "upper"]
    ].iloc[0]
    assert "C-index of 40 patients in 2 folds" in repr(evaluation)
    assert f"sum {mean:.3f} ({lower:.3f} to {upper:.3f})" in repr(evaluation)


def test_many_models_are_counted(evaluation: Evaluation) -> None:
    rows = evaluation.summary.query("model == 'sum'")
    names = [f"m{number}" for number in range(30)]
    summary = pd.concat([rows.assign(model=name) for name in names])
    many = replace(evaluation, models=dict.fromkeys(names, ""), summary=summary)
    assert "26 more models" in repr(many)
    assert len(many._repr_html_()) < 4_000


def test_folds_are_counted() -> None:
    folds = make_folds(pd.Series(np.resize(["a", "b"], 40), IDS), folds=4)
    assert repr(folds[0]) == "Fold(30 to fit on, 10 to judge)"


def test_predictions_and_validations_are_counted_and_not_printed() -> None:
    table = pd.DataFrame({"risk": [0.5, None]}, ["P0", "P1"])
    applied = Applied(None, table, slides=(), warnings=("one", "two"), paths={})
    assert repr(applied) == "Applied(1 of 2 patients have a prediction, 2 warnings)"
    fields = dict.fromkeys(ExternalValidation.__dataclass_fields__)
    main = pd.DataFrame({"label": ["AUROC"], "value": [0.7], "lower": [0.6], "upper": [0.8]})
    known = {"outcome": "death", "counts": {"patients": 9}, "performance": main, "warnings": ()}
    assert repr(ExternalValidation(**{**fields, **known})) == (
        "ExternalValidation(death of 9 patients, AUROC 0.700 (0.600 to 0.800))"
    )


def test_empty_facts_are_left_out_and_line_breaks_are_blanks() -> None:
    assert one_line("Thing", ["a\nb", "", "c"]) == "Thing(a b, c)"
    assert Cells(html_table("h", {"a": "", "b<": "1\n2"})).texts[-2:] == ["b<", "1\n2"]


@pytest.mark.parametrize("make", [FusionSurvival, FusionClassifier])
def test_estimators_show_their_settings(make: Callable[[], Any]) -> None:
    assert repr(make()) == f"{make.__name__}()"
