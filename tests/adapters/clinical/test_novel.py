"""What training never saw: other spellings, levels, numbers far away, and a table half new."""

import numpy as np
import pandas as pd
import pytest

from msfusion_adapters.clinical import ClinicalAdapter
from msfusion_sdk.errors import TableError, UnknownCategoryError
from msfusion_sdk.tables.issues import TableWarning


def table(n: int = 90) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "sex": rng.choice(["male", "female"], n),
            "stage": rng.choice(["Stage I", "Stage II", "Stage III"], n),
            "grade": rng.choice(["G1", "G2", "G3"], n),
            "age": rng.normal(60, 9, n).round(),
        },
        [f"P{number}" for number in range(n)],
    )


@pytest.fixture
def fitted() -> ClinicalAdapter:
    return ClinicalAdapter().fit(table())


@pytest.mark.parametrize("respell", [str.upper, str.title, " {} ".format, str.swapcase])
def test_levels_are_the_same_in_any_case(respell: object, fitted: ClinicalAdapter) -> None:
    changed = table().assign(sex=table()["sex"].map(respell), stage=table()["stage"].map(respell))
    np.testing.assert_array_equal(
        fitted.transform(changed).values, fitted.transform(table()).values
    )


def test_levels_of_training_that_differ_by_case_are_one() -> None:
    cells = ["Male"] * 5 + ["male"] * 6 + ["MALE", "female  one", "Female one"] * 2
    fitted = ClinicalAdapter().fit(pd.DataFrame({"x": cells}, [f"P{n}" for n in range(17)]))
    assert fitted.transform(pd.DataFrame({"x": ["MALE"]}, ["a"])).names == ("x=male",)


def test_a_few_new_levels_are_named_with_their_counts(fitted: ClinicalAdapter) -> None:
    changed = table()
    changed.iloc[:4, 0] = ["diverse", "diverse", "x", "diverse"]
    changed.iloc[7, 1] = "occult"
    with pytest.warns(
        TableWarning,
        match=r"'sex': 4 of 90 \('diverse', 'x' of P0, P1\).*'stage': 1 of 90 \('occult' of P7\)",
    ):
        fitted.transform(changed)


def test_a_column_that_is_spelt_anew_is_named(fitted: ClinicalAdapter) -> None:
    changed = table().assign(grade=table()["grade"].str[1:])
    with pytest.warns(TableWarning, match=r"'grade': 90 of 90 .*gaps"):
        fitted.transform(changed)


def test_a_table_of_which_half_is_new_is_refused(fitted: ClinicalAdapter) -> None:
    german = {"male": "männlich", "female": "weiblich"}
    changed = table().assign(
        sex=table()["sex"].map(german), grade=table()["grade"].str[1:], stage="unclear"
    )
    with pytest.raises(UnknownCategoryError, match=r"270 of 360 cells.*'sex': 90 of 90"):
        fitted.transform(changed)


def test_of_a_few_patients_nobody_can_tell(fitted: ClinicalAdapter) -> None:
    changed = table().iloc[:3].assign(sex="diverse", stage="unclear", grade="poor")
    with pytest.warns(TableWarning, match="'sex': 3 of 3"):
        assert fitted.transform(changed).present.all()


@pytest.mark.parametrize("age", [780, -600, 21900])
def test_a_number_far_outside_training_is_cut_and_named(
    age: float, fitted: ClinicalAdapter
) -> None:
    one = table().iloc[[0]].assign(age=age)
    with pytest.warns(TableWarning, match=rf"'age': 1 of 1 \('{age}' of P0\).*far outside") as seen:
        block = fitted.transform(one)
    assert abs(block.values[0, block.names.index("age")]) == 5
    assert len(seen) == 1


def test_a_number_that_training_could_have_seen_is_not(fitted: ClinicalAdapter) -> None:
    block = fitted.transform(table().iloc[[0]].assign(age=table()["age"].max() + 5))
    assert block.present.all()


def test_an_extreme_of_training_is_cut_and_not_named() -> None:
    wide = table().assign(age=[*range(89), 10_000])
    fitted = ClinicalAdapter().fit(wide)
    values = fitted.transform(wide).values
    assert values[-1, 2] == 5
    assert fitted.transform(wide).names[2] == "age"


def test_ages_in_days_make_a_table_half_new() -> None:
    numbers = table()[["age"]].assign(bmi=np.random.default_rng(0).normal(25, 3, 90))
    fitted = ClinicalAdapter().fit(numbers)
    with pytest.raises(UnknownCategoryError, match="'age'"):
        fitted.transform(numbers.assign(age=numbers["age"] * 365.25, bmi=numbers["bmi"] * 10))


def test_a_column_that_training_always_had_and_half_lack_is_named(
    fitted: ClinicalAdapter,
) -> None:
    emptied = table().assign(age=[None] * 50 + [60.0] * 40, sex="Blank(s)")
    with pytest.warns(TableWarning, match=r"'sex' \(90 of 90\), 'age' \(50 of 90\)"):
        fitted.transform(emptied)


def test_a_column_that_a_few_lack_is_not(fitted: ClinicalAdapter) -> None:
    assert fitted.transform(table().assign(age=[None] * 40 + [60.0] * 50)).present.all()


def test_bytes_are_refused_when_predicting_too(fitted: ClinicalAdapter) -> None:
    with pytest.raises(TableError, match="'sex' holds bytes"):
        fitted.transform(table().assign(sex=[sex.encode() for sex in table()["sex"]]))
