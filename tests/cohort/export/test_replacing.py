"""An export replaces an older one of its own format, and nothing else that lies there."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from msfusion_sdk import Cohort
from msfusion_sdk.errors import StoreSchemaError


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    rows = pd.DataFrame({"patient_id": ["P1", "P2"], "hand": ["left", "right"]})
    made = Cohort.create(tmp_path / "cohort", patients=rows)
    made.add_modality("clinical", pd.DataFrame({"patient_id": ["P1", "P2"], "age": [61, 70]}))
    return made


@pytest.mark.parametrize("form", ["parquet", "anndata", "zarr"])
def test_an_older_export_of_the_same_format_is_replaced(
    form: str, cohort: Cohort, tmp_path: Path
) -> None:
    for _ in range(2):
        assert cohort.export(tmp_path / "all", format=form).rows == 2


@pytest.mark.parametrize("before", ["parquet", "anndata", "zarr"])
@pytest.mark.parametrize("form", ["parquet", "anndata", "zarr"])
def test_an_export_of_another_format_stays(
    before: str, form: str, cohort: Cohort, tmp_path: Path
) -> None:
    if before == form:
        return
    path = tmp_path / "all"
    cohort.export(path, format=before)
    kept = None if path.is_dir() else path.read_bytes()
    with pytest.raises(StoreSchemaError, match=r"holds an export as .* Name another file"):
        cohort.export(path, format=form)
    assert path.is_dir() if kept is None else path.read_bytes() == kept


def test_a_table_that_is_no_export_stays(cohort: Cohort, tmp_path: Path) -> None:
    path = tmp_path / "clinical.parquet"
    pd.DataFrame({"patient_id": ["P1"], "age": [61]}).to_parquet(path)
    before = path.read_bytes()
    with pytest.raises(StoreSchemaError, match="no export of a cohort"):
        cohort.export(path)
    assert path.read_bytes() == before


def test_somebody_elses_anndata_and_text_stay(cohort: Cohort, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "own.h5ad", "w") as file:
        file["X"] = np.zeros((2, 2))
    (tmp_path / "notes").write_text("of years")
    for name, form in (("own.h5ad", "anndata"), ("notes", "parquet"), ("notes", "zarr")):
        with pytest.raises(StoreSchemaError, match="no export of a cohort"):
            cohort.export(tmp_path / name, format=form)


def test_an_empty_file_may_be_replaced(cohort: Cohort, tmp_path: Path) -> None:
    (tmp_path / "x.parquet").touch()
    assert cohort.export(tmp_path / "x.parquet").rows == 2
