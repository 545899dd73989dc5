"""Stages in order, placeholders as gaps, levels fixed in the fold, outcomes left out."""

import itertools
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from lifelines.utils import concordance_index

from msfusion_adapters.clinical import ClinicalAdapter
from msfusion_adapters.clinical.columns import infer_role
from msfusion_adapters.clinical.stages import grade_number, stage_number
from msfusion_sdk.adapter import Block
from msfusion_sdk.errors import (
    MissingModalityError,
    NonFiniteError,
    TableError,
    UnknownCategoryError,
)
from msfusion_sdk.tables.issues import TableWarning

pytestmark = pytest.mark.slow


def column(cells: list[object], name: str = "x") -> pd.DataFrame:
    return pd.DataFrame({name: cells}, [f"P{number}" for number in range(len(cells))])


def encoded(table: pd.DataFrame, **settings: object) -> Block:
    return ClinicalAdapter(**settings).fit(table).transform(table)


def feature(block: Block, name: str) -> np.ndarray:
    return block.values[:, block.names.index(name)]


ASCENDING = ["Stage 0", "Stage I", "IA", "stage ia1", "IA2", "IA3", "Stage IB", "IC", "Stage II",
             "IIA", "AJCC Stage IIB", "III", "Stage IIIA", "Stage IIIB", "IIIC", "Stage IV", "IVA",
             "IVB"]  # fmt: skip


def test_stages_grow_with_the_disease() -> None:
    numbers = [stage_number(text) for text in ASCENDING]
    assert all(a < b for a, b in itertools.pairwise(numbers))


@pytest.mark.parametrize("text", ["Stage X", "[Discrepancy]", "I/II NOS", "T2", "V", "III2", ""])
def test_what_is_no_stage_is_none(text: str) -> None:
    assert stage_number(text) is None


def test_grades_are_their_number() -> None:
    texts = ("G1", "g2", "Grade 3", "G 4", "Grade IV", "GX", "High Grade")
    assert [grade_number(text) for text in texts] == [1, 2, 3, 4, 4, None, None]


@pytest.mark.parametrize(
    ("cells", "role"),
    [
        ([1, 2.5, None], "numeric"),
        (["1", "[Not Available]", "2.5"], "numeric"),
        ([True, False, None], "numeric"),
        (["Stage I", "Stage IIIA", "[Discrepancy]"], "stage"),
        ([*["Stage I"] * 10, "I/II NOS"], "stage"),
        (["G2", "GX", "G3"], "grade"),
        (["I", "spindle"], "categorical"),
        (["[Not Available]", None, ""], None),
    ],
)
def test_the_role_of_a_column_is_what_it_holds(cells: list[object], role: str | None) -> None:
    assert infer_role(column(cells)["x"]) == role


@pytest.mark.parametrize("kind", ["Int64", "Float64", "boolean", "string", "int64[pyarrow]"])
def test_numbers_of_every_pandas_type_are_numeric(kind: str) -> None:
    cells = pd.array([1, 0, None, 1], dtype=kind) if kind != "string" else ["1", "0", None, "1"]
    table = column([1, 2, 3, 4], "age").assign(x=pd.array(cells, dtype=kind))
    # Of 1, 0 and 1 the mean is 2/3 and the standard deviation 2**0.5 / 3.
    np.testing.assert_allclose(feature(encoded(table), "x"), [2**-0.5, -(2**0.5), 2**-0.5, 2**-0.5],
                               rtol=1e-6)  # fmt: skip


def test_codes_that_pandas_holds_as_categories_are_categorical() -> None:
    table = column(pd.Categorical([1, 2, 3, 1, 2, 3]))
    assert encoded(table).names == ("x=1", "x=2", "x=3")


@pytest.mark.parametrize(
    "cells", [pd.to_datetime(["2020-01-01", "2021-01-01"]), pd.to_timedelta([1, 2], unit="D")]
)
def test_dates_and_durations_are_refused(cells: object) -> None:
    with pytest.raises(TableError, match="'x' holds dates or durations"):
        ClinicalAdapter().fit(pd.DataFrame({"x": cells}, index=["a", "b"]))


def test_numbers_are_standardised_over_the_patients_who_have_any() -> None:
    block = encoded(column([10, 20, 60, None], "age"))
    assert block.names == ("age",)
    assert block.present.tolist() == [True, True, True, False]
    # Mean 30, variance (400 + 100 + 900) / 3.
    deviation = (1400 / 3) ** 0.5
    np.testing.assert_allclose(block.values[:, 0] * deviation, [-20, -10, 30, 0], rtol=1e-6)


@pytest.mark.parametrize("gap", ["[Not Available]", "[Unknown]", "'--", "Not Reported", " ", "NA"])
def test_a_placeholder_is_a_gap_and_is_marked(gap: str) -> None:
    table = column([10, 20, 60, gap], "age").assign(sex=["f", "m", "f", "m"])
    block = encoded(table)
    assert (feature(block, "age=missing") > 0).tolist() == [False, False, False, True]
    filled = feature(block, "age")
    assert filled[3] == filled[1]


def test_a_missing_level_is_a_level() -> None:
    block = encoded(column(["f", "f", "m", "m", "[Unknown]"], "sex").assign(age=range(5)))
    assert block.names == ("age", "sex=f", "sex=m", "sex=missing")
    np.testing.assert_allclose(feature(block, "sex=missing"), [-0.2] * 4 + [0.8], rtol=1e-6)


def test_a_pair_of_levels_is_one_column() -> None:
    block = encoded(column(["male", "female", "male", "female"], "sex"))
    assert block.names == ("sex=male",)
    assert block.values[:, 0].tolist() == [0.5, -0.5, 0.5, -0.5]


def test_rare_levels_are_pooled() -> None:
    block = encoded(column([*"aaabbb", "c", "d"]))
    assert block.names == ("x=a", "x=b", "x=other")
    assert (feature(block, "x=other") > 0).tolist() == [False] * 6 + [True] * 2


def test_a_share_that_is_rare_can_be_said_for_one_version_more() -> None:
    with pytest.warns(DeprecationWarning, match="min_patients="):
        assert encoded(column([*"aaaaaabbb"]), rare_share=0.4).names == ("x=other",)
    assert encoded(column([*"aaaaaabbb"])).names == ("x=b",)


def test_an_unseen_level_counts_as_other() -> None:
    fitted = ClinicalAdapter().fit(column([*"aaabbb", "c", "d"]))
    with pytest.warns(TableWarning, match=r"'x': 1 of 2 \('never seen' of P0\).*count as 'other'"):
        new, rare = fitted.transform(column(["never seen", "c"])).values
    assert new.tolist() == rare.tolist()


def test_an_unseen_level_is_the_usual_one_where_there_is_no_other() -> None:
    fitted = ClinicalAdapter().fit(column([*"aabbb"]))
    with pytest.warns(TableWarning, match="count as 'b'"):
        new, usual = fitted.transform(column(["never seen", "b"])).values
    assert new.tolist() == usual.tolist()


def test_an_unseen_level_can_be_an_error_that_names_it() -> None:
    fitted = ClinicalAdapter(unknown="error").fit(column([*"aaabbb", "c"]))
    fitted.transform(column(["c"]))
    with pytest.raises(UnknownCategoryError, match=r"'never seen', for 1 of 2 patients.*P1"):
        fitted.transform(column(["a", "never seen"]))


def test_declared_levels_are_in_the_declared_order() -> None:
    levels = ["none", "mild", "severe"]
    block = encoded(column(["severe", "None", "mild", "mild"]), ordinal={"x": levels})
    assert np.argsort(block.values[:, 0], kind="stable").tolist() == [1, 2, 3, 0]


def test_a_level_that_was_not_declared_is_an_error_when_fitting() -> None:
    with pytest.raises(UnknownCategoryError, match="'moderate'"):
        ClinicalAdapter(ordinal={"x": ["mild", "severe"]}).fit(column(["mild", "moderate"]))


def test_codes_can_be_declared_categories_and_gaps_do_not_change_them() -> None:
    codes = [8140003, 8140004, 8140005]
    fitted = ClinicalAdapter(categorical=["x"]).fit(column(codes * 2))
    with_gap = fitted.transform(column([*map(float, codes[:2]), np.nan]))
    whole = fitted.transform(column(codes[:2]))
    assert not np.array_equal(whole.values[0], whole.values[1])
    np.testing.assert_array_equal(with_gap.values[:2], whole.values)


def test_text_in_a_numeric_column_is_an_error_that_names_it() -> None:
    fitted = ClinicalAdapter().fit(column(["1", "2", "3"], "age"))
    with pytest.raises(TableError, match=r"'age' is numeric.*'sixty' of P1"):
        fitted.transform(column(["1", "sixty"], "age"))


def test_an_infinite_number_is_an_error_that_names_the_patient() -> None:
    with pytest.raises(NonFiniteError, match=r"'x' is infinite for P1"):
        ClinicalAdapter().fit(column([1.0, np.inf]))


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"numeric": ["weight"]}, "'weight' are not in"),
        ({"numeric": ["x"], "categorical": ["x"]}, "'x' are declared twice"),
    ],
)
def test_wrong_declarations_are_named(settings: dict[str, object], problem: str) -> None:
    with pytest.raises(TableError, match=problem):
        ClinicalAdapter(**settings).fit(column([1, 2]))


def test_nothing_that_varies_and_nobody_at_all_are_errors() -> None:
    with pytest.raises(TableError, match="varies over the 3"):
        ClinicalAdapter().fit(column(["a", "a", "a"]))
    with pytest.raises(MissingModalityError, match="No training patient"):
        ClinicalAdapter().fit(column(["[Not Available]", None]))


def test_a_column_named_after_the_outcome_is_left_out_with_a_warning() -> None:
    table = column([1, 2, 3, 4], "age").assign(vital_status=["Dead", "Alive"] * 2)
    with pytest.warns(UserWarning, match=r"1 columns.*: vital_status\."):
        fitted = ClinicalAdapter().fit(table)
    assert fitted.transform(table).names == ("age",)
    assert fitted.dropped_ == ["vital_status"]


def test_it_is_used_when_it_is_declared() -> None:
    table = column([1, 2, 3, 4], "prior_treatment")
    assert encoded(table, numeric=["prior_treatment"]).names == ("prior_treatment",)


def test_what_fitting_left_out_need_not_be_there_when_predicting() -> None:
    table = column([1, 2, 3, 4], "age").assign(note=[*"abcd"], same="one")
    fitted = ClinicalAdapter().fit(table)
    assert fitted.dropped_ == ["note", "same"]
    assert fitted.transform(table[["age"]]).names == ("age",)


def test_two_clones_share_nothing() -> None:
    table = column([*"aabb"])
    one, other = ClinicalAdapter().fit(table), ClinicalAdapter().fit(column([*"ccdd"]))
    assert one.transform(table).names == ("x=b",)
    assert other.transform(column([*"cd"])).names == ("x=d",)


def mmp(shared: Path, cohort: str, fold: int, part: str) -> pd.DataFrame:
    path = shared / f"data/mmp_clinical/{cohort}/fold{fold}/{part}.csv"
    table = pd.read_csv(path, dtype={"case_id": str}).drop_duplicates("case_id")
    return table.set_index("case_id")


def test_a_wide_and_messy_table_is_taken_whole_without_its_outcomes(shared: Path) -> None:
    table = mmp(shared, "luad", 0, "train")
    with (
        pytest.warns(UserWarning, match="where a patient was treated: 'tissue_source_site'"),
        pytest.warns(UserWarning, match="known only after") as caught,
    ):
        fitted = ClinicalAdapter().fit(table)
    text = str(caught[0].message)
    late = [n for n in table if n.endswith(("_censorship", "_survival_days"))]  # type: ignore[attr-defined]
    assert all(name in text for name in [*late, "vital_status", "treatment_outcome_first_course"])
    assert "age_at_initial_pathologic_diagnosis" in fitted.columns_
    assert "slide_id" in fitted.dropped_
    # No hospital of the published test part is in its training part.
    with pytest.warns(UserWarning, match="'tissue_source_site': 101 of 101"):
        assert fitted.transform(mmp(shared, "luad", 0, "test")).present.all()


def test_age_sex_and_stage_reach_the_published_concordance(shared: Path) -> None:
    # 0.855 over the five folds (population standard deviation 0.053) with one column per stage:
    # shared/reference/multimodal.md, 2.6.  An age-and-sex model has 0.493.
    columns = ["age_at_initial_pathologic_diagnosis", "sex", "ajcc_pathologic_tumor_stage"]
    found = []
    for fold in range(5):
        train, test = mmp(shared, "kirc", fold, "train"), mmp(shared, "kirc", fold, "test")
        fitted = ClinicalAdapter().fit(train[columns])
        one, other = (fitted.transform(part[columns]) for part in (train, test))
        frame = pd.DataFrame(one.values, columns=list(one.names))
        frame["time"] = train["dss_survival_days"].to_numpy()
        frame["event"] = (train["dss_censorship"] == 0).to_numpy()
        model = CoxPHFitter(penalizer=0.1).fit(frame, "time", "event")
        risk = model.predict_log_partial_hazard(pd.DataFrame(other.values, columns=list(one.names)))
        found.append(
            concordance_index(test["dss_survival_days"], -risk, test["dss_censorship"] == 0)
        )
    assert np.mean(found) == pytest.approx(0.855, abs=0.02)


def test_reading_and_fitting_a_real_table_warns_of_nothing(shared: Path) -> None:
    table = ClinicalAdapter().read(shared / "data/tcga/luad/clinical.parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        block = encoded(table[["age", "sex"]])
    assert block.names == ("age", "sex=male", "age=missing")
    assert (feature(block, "age=missing") > 0).sum() == 10
