"""A patient's slides become one vector, each slide counting by its tissue."""

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk.cohort.store.aggregate import SlideUse, aggregate_slides
from msfusion_sdk.cohort.store.vectors import patient_vectors
from msfusion_sdk.errors import MissingModalityError, NonFiniteError, ShapeError


def slides(rows: list[tuple[str, str, float, object]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["patient_id", "slide_id", "tissue_area_mm2", "vector"])
    return frame.assign(n_patches=1)


TWO_AND_ONE = slides(
    [
        ("P2", "a", 3.0, np.array([1, 0], np.float32)),
        ("P1", "b", 9.0, np.array([5, 6], np.float32)),
        ("P2", "c", 1.0, np.array([0, 8], np.float32)),
    ]
)


def test_slides_count_by_their_tissue() -> None:
    table = aggregate_slides(TWO_AND_ONE)
    assert table.loc["P2"].tolist() == [0.75, 2.0]  # (3·1 + 1·0)/4 and (3·0 + 1·8)/4
    assert table.loc["P1"].tolist() == [5, 6]


def test_the_plain_mean_does_not_look_at_tissue() -> None:
    assert aggregate_slides(TWO_AND_ONE, "mean").loc["P2"].tolist() == [0.5, 4.0]


def test_all_keeps_every_slide_under_its_patient() -> None:
    table = aggregate_slides(TWO_AND_ONE, "all")
    assert table.index.tolist() == [("P2", "a"), ("P1", "b"), ("P2", "c")]
    assert table.index.names == ["patient_id", "slide_id"]
    assert table.loc[("P2", "c")].tolist() == [0, 8]


@pytest.mark.parametrize("how", ["weighted", "mean", "all"])
def test_how_many_slides_went_in_is_told(how: SlideUse) -> None:
    assert aggregate_slides(TWO_AND_ONE, how).attrs["n_slides"] == {"P2": 2, "P1": 1}


def test_tables_can_be_joined_and_cut_with_what_they_tell() -> None:
    table = aggregate_slides(TWO_AND_ONE)
    assert pd.concat([table.iloc[:1], table.iloc[1:]]).equals(table)


def test_columns_are_numbered_float32_and_ids_stay_text() -> None:
    table = aggregate_slides(slides([("0012", "a", 1.0, np.zeros(1024, np.float32))]))
    assert [*table.columns[:2], table.columns[-1]] == ["v0000", "v0001", "v1023"]
    assert set(table.dtypes) == {np.dtype(np.float32)}
    assert table.index.tolist() == ["0012"]


def test_slides_without_tissue_area_count_alike() -> None:
    rows = [("P", "a", 0.0, np.array([2.0])), ("P", "b", 0.0, np.array([4.0]))]
    assert aggregate_slides(slides(rows)).loc["P"].tolist() == [3.0]


def test_one_slide_without_tissue_area_counts_nothing_beside_one_with() -> None:
    rows = [("P", "a", 0.0, np.array([2.0])), ("P", "b", 1e-6, np.array([4.0]))]
    assert aggregate_slides(slides(rows)).loc["P"].tolist() == [4.0]


def test_a_slide_without_a_vector_is_left_out_and_not_counted() -> None:
    rows = [("P", "a", 1.0, np.array([2.0])), ("P", "b", 5.0, None), ("Q", "c", 1.0, None)]
    table = aggregate_slides(slides(rows))
    assert table.index.tolist() == ["P"]
    assert table.attrs["n_slides"] == {"P": 1}


@pytest.mark.parametrize("how", ["weighted", "mean"])
def test_many_slides_agree_with_a_loop(how: SlideUse) -> None:
    rng = np.random.default_rng(0)
    owners = [f"P{i}" for i in rng.integers(0, 40, 200)]
    areas = np.where(rng.random(200) < 0.2, 0.0, rng.gamma(2, 10, 200))
    vectors = rng.normal(size=(200, 8))
    table = aggregate_slides(
        slides([(o, str(i), areas[i], vectors[i]) for i, o in enumerate(owners)]), how
    )
    for patient in set(owners):
        mine = [i for i, owner in enumerate(owners) if owner == patient]
        weights = [areas[i] if how == "weighted" else 1.0 for i in mine]
        if sum(weights) == 0:
            weights = [1.0] * len(mine)
        expected = sum(w * vectors[i] for w, i in zip(weights, mine, strict=True)) / sum(weights)
        np.testing.assert_allclose(table.loc[patient], expected, rtol=1e-5, atol=1e-6)


def test_vectors_of_two_lengths_are_refused() -> None:
    rows = [("P", "a", 1.0, np.zeros(2)), ("Q", "b", 1.0, np.zeros(3))]
    with pytest.raises(ShapeError, match=r"\[2, 3\]"):
        aggregate_slides(slides(rows))


def test_no_vector_at_all_is_refused() -> None:
    with pytest.raises(ShapeError, match="no slide"):
        aggregate_slides(slides([("P", "a", 1.0, None)]))


@pytest.mark.parametrize(
    ("area", "vector"), [(-1.0, [1.0]), (np.nan, [1.0]), (1.0, [np.nan]), (1.0, [np.inf])]
)
def test_numbers_that_cannot_be_are_refused_with_the_slide(
    area: float, vector: list[float]
) -> None:
    with pytest.raises(NonFiniteError, match="'a'"):
        aggregate_slides(slides([("P", "a", area, np.array(vector))]))


def test_a_cohort_without_any_vector_says_what_to_run() -> None:
    frame = pd.DataFrame({"slide_id": ["a", "b"], "patient_id": ["P", "Q"]})
    with pytest.raises(MissingModalityError, match=r"None of the 2 slides .* cohort encode"):
        patient_vectors(frame, {})
