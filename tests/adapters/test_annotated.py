"""AnnData and MuData are read where they are installed, and named with their extra where not."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from msfusion_adapters.annotated import from_anndata, read_h5ad, read_h5mu
from msfusion_adapters.genomics import GenomicsAdapter
from msfusion_sdk.errors import DuplicateIdError, MissingExtraError, TableError


class Stored:
    """As much of an AnnData object as is read."""

    def __init__(self, ids: list[str]) -> None:
        self.obs = pd.DataFrame({"donor": ids}, index=[f"obs{n}" for n in range(len(ids))])
        self.layers = {"counts": np.ones((len(ids), 2))}

    def to_df(self, layer: str | None = None) -> pd.DataFrame:
        values = (
            np.arange(2 * len(self.obs)).reshape(-1, 2) if layer is None else self.layers[layer]
        )
        return pd.DataFrame(values, self.obs.index, ["TP53", "EGFR"])


@pytest.mark.parametrize(("name", "read"), [("anndata", read_h5ad), ("mudata", read_h5mu)])
def test_without_the_extra_the_error_holds_the_command(
    name: str, read: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=rf'{name}.*pip install "msfusion-sdk\[anndata\]"'):
        read(tmp_path / "x.h5")


def test_observations_are_patients_and_variables_columns() -> None:
    table = GenomicsAdapter(layout="anndata").read(Stored(["a", "b"]))
    assert table.to_dict("index") == {
        "obs0": {"TP53": 0, "EGFR": 1},
        "obs1": {"TP53": 2, "EGFR": 3},
    }


def test_patients_and_layer_can_be_named() -> None:
    table = from_anndata(Stored(["a", "b"]), layer="counts", id_column="donor")
    assert table.index.tolist() == ["a", "b"]
    assert table.to_numpy().tolist() == [[1, 1], [1, 1]]


def test_several_cells_of_a_patient_are_an_error() -> None:
    with pytest.raises(DuplicateIdError, match="'a'"):
        from_anndata(Stored(["a", "a"]), id_column="donor")


@pytest.mark.parametrize("wrong", [{"layer": "logs"}, {"id_column": "person"}])
def test_a_layer_or_column_that_is_not_there_is_named(wrong: dict[str, str]) -> None:
    with pytest.raises(TableError, match=r"logs.*counts|person.*donor"):
        from_anndata(Stored(["a"]), **wrong)


@pytest.mark.filterwarnings("ignore:From 0.4:FutureWarning", "ignore:Cannot join:UserWarning")
def test_real_files_are_read(tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata")
    mudata = pytest.importorskip("mudata")
    frame = pd.DataFrame({"TP53": [1.0, 2.0], "EGFR": [3.0, 4.0]}, index=["a", "b"])
    rna = anndata.AnnData(frame)
    rna.write_h5ad(tmp_path / "x.h5ad")
    expected = frame.rename_axis("patient_id")
    found = GenomicsAdapter(layout="anndata").read(tmp_path / "x.h5ad")
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_index_type=False)
    mudata.MuData({"rna": rna, "protein": rna[:1].copy()}).write(tmp_path / "x.h5mu")
    tables = read_h5mu(tmp_path / "x.h5mu")
    assert {name: list(table.index) for name, table in tables.items()} == {
        "rna": ["a", "b"],
        "protein": ["a"],
    }
