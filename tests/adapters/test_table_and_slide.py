"""The plain adapters: gaps, constants, what they are given and what they are not."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from msfusion_adapters.slide import SlideAdapter
from msfusion_adapters.table import TableAdapter
from msfusion_sdk.errors import MissingModalityError, NonFiniteError, TableError
from msfusion_sdk.registry import list_adapters, load_adapter

IDS = [f"P{number}" for number in range(12)]


def table(columns: int = 3) -> pd.DataFrame:
    values = np.random.default_rng(0).normal(5, 2, (len(IDS), columns))
    return pd.DataFrame(values, IDS, [f"c{n}" for n in range(columns)])


def with_gaps() -> pd.DataFrame:
    return table().mask(np.arange(36).reshape(12, 3) % 7 == 3)


@pytest.mark.parametrize("name", ["clinical", "genomics", "slide", "table"])
def test_ours_come_through_the_same_door_as_all_others(name: str) -> None:
    assert list_adapters()[name].startswith("msfusion-sdk ")
    assert load_adapter(name).modality == name


def test_columns_are_standardised_over_the_training_patients() -> None:
    block = TableAdapter().fit(table()[:8]).transform(table())
    expected = StandardScaler().fit(table()[:8]).transform(table())
    np.testing.assert_allclose(block.values, expected, rtol=1e-5, atol=1e-6)
    assert block.names == ("c0", "c1", "c2")


def test_a_gap_is_an_error_that_names_column_patient_and_remedy() -> None:
    with pytest.raises(NonFiniteError, match=r"'c0' for 2 of 12.*P1, P8.*missing='median'"):
        TableAdapter().fit(with_gaps())


def test_a_gap_in_a_new_patient_is_an_error_too() -> None:
    fitted = TableAdapter().fit(table())
    with pytest.raises(NonFiniteError, match=r"P1, P8"):
        fitted.transform(with_gaps())


def test_gaps_become_the_training_median_and_are_marked() -> None:
    given = pd.DataFrame({"x": [1.0, 2.0, 9.0, np.nan], "y": [1.0, 2.0, 3.0, 4.0]}, IDS[:4])
    block = TableAdapter(missing="median").fit(given).transform(given)
    assert block.names == ("x", "y", "x=missing")
    # Filled with the median 2: mean 3.5, variance (6.25 + 2.25 + 30.25 + 2.25) / 4.
    np.testing.assert_allclose(block.values[:, 0] * np.sqrt(10.25) + 3.5, [1, 2, 9, 2], rtol=1e-6)
    assert (np.sign(block.values[:, 2]) == [-1, -1, -1, 1]).all()


def test_a_gap_where_training_had_none_is_filled_without_a_mark() -> None:
    fitted = TableAdapter(missing="median").fit(table())
    block = fitted.transform(with_gaps())
    assert block.names == ("c0", "c1", "c2")
    assert block.present.all()


def test_constant_columns_are_dropped_and_recorded() -> None:
    given = table().assign(same=0.1, empty=np.nan)
    fitted = TableAdapter(missing="median").fit(given)
    assert fitted.dropped_ == ["same", "empty"]
    assert fitted.transform(given).names == ("c0", "c1", "c2")


@pytest.mark.parametrize("adapter", [TableAdapter(), SlideAdapter()])
def test_a_table_in_which_nothing_varies_is_an_error(adapter: TableAdapter) -> None:
    with pytest.raises(TableError, match="12 training patients"):
        adapter.fit(pd.DataFrame({"x": 1.0}, IDS))


@pytest.mark.parametrize("adapter", [TableAdapter(), SlideAdapter()])
def test_fitting_on_nobody_is_an_error(adapter: TableAdapter) -> None:
    with pytest.raises(MissingModalityError, match="No training patient"):
        adapter.fit(table() * np.nan)


def test_infinity_is_refused_whatever_happens_to_gaps() -> None:
    with pytest.raises(NonFiniteError, match="infinity"):
        TableAdapter(missing="median").fit(table().replace(table().iloc[0, 0], np.inf))


def test_slide_vectors_are_standardised_and_keep_their_columns() -> None:
    given = table(40)
    block = SlideAdapter().fit(given).transform(given)
    assert list(block.names) == list(given.columns)
    expected = StandardScaler().fit_transform(given)
    np.testing.assert_allclose(block.values, expected, rtol=1e-4, atol=1e-5)


def test_slide_vectors_become_components_of_standardised_columns() -> None:
    given = table(40)
    block = SlideAdapter(n_components=3).fit(given).transform(given)
    scaled = StandardScaler().fit_transform(given)
    expected = PCA(3, whiten=True, svd_solver="full").fit_transform(scaled)
    np.testing.assert_allclose(np.abs(block.values), np.abs(expected), rtol=1e-4, atol=1e-5)


def test_without_whitening_large_components_stay_large() -> None:
    given = table(40)
    block = SlideAdapter(n_components=3, whiten=False).fit(given).transform(given)
    scaled = StandardScaler().fit_transform(given)
    expected = PCA(3, svd_solver="full").fit(scaled).explained_variance_
    np.testing.assert_allclose(block.values.var(axis=0, ddof=1), expected, rtol=1e-4)


def test_beside_vector_columns_everything_else_is_passed_over() -> None:
    given = table(8)
    given.columns = [f"v{number:04d}" for number in range(8)]
    block = SlideAdapter().fit(given).transform(given)
    noted = given.assign(slides=2, site="north")
    np.testing.assert_array_equal(SlideAdapter().fit(noted).transform(noted).values, block.values)


def test_there_are_never_more_components_than_patients_span() -> None:
    assert len(SlideAdapter(n_components=50).fit(table(100)).transform(table(100)).names) == 11


def test_a_cohort_of_stage_three_and_four_lung_cancer_is_read_and_its_gaps_are_marked(
    shared: Path,
) -> None:
    path = shared / "data/tcga_lung_multipit/tcga_lung_clinical.csv"
    raw = pd.read_csv(path, dtype={"bcr_patient_barcode": str}).set_index("bcr_patient_barcode")
    given = raw.drop(columns=["OS", "OS.time"])
    block = TableAdapter(missing="median").fit(given).transform(given)
    assert [name for name in block.names if name.endswith("=missing")] == [
        "age_diagnosis=missing",
        "cigarettes_per_day=missing",
        "pack_years_smoked=missing",
    ]
    marked = (block.values[:, -3:] > 0).sum(axis=0)
    assert marked.tolist() == [5, 49, 49]
