"""TCGA barcodes however they are written, and maps of samples for other studies."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from msfusion_adapters.barcodes import choose_samples, read_sample_map
from msfusion_sdk.errors import DuplicateIdError, IdMismatchError, InputTypeError, TableError
from msfusion_sdk.tables.issues import TableWarning


@pytest.mark.parametrize(
    "barcode",
    ["TCGA-02-0001", "TCGA-02-0001-01", "TCGA-02-0001-01C", "TCGA-02-0001-01C-01",
     "TCGA-02-0001-01C-01D", "TCGA-02-0001-01C-01D-0182", "TCGA-02-0001-01C-01D-0182-01",
     "TCGA.02.0001.01C.01D.0182.01", "tcga-02-0001-01c", "tcga.02.0001", "TCGA_02_0001_01",
     " TCGA-02-0001-01"],
)  # fmt: skip
def test_a_barcode_of_any_length_and_spelling_is_its_patient(barcode: str) -> None:
    assert choose_samples([barcode]) == {barcode: "TCGA-02-0001"}


def test_the_spellings_of_one_sample_are_one_patient() -> None:
    assert choose_samples(["TCGA.02.0001.01", "tcga-02-0001-01"]) == {
        "TCGA.02.0001.01": "TCGA-02-0001"
    }


def test_normal_tissue_is_never_taken_however_it_is_spelt() -> None:
    assert choose_samples(["tcga.02.0001.11a", "TCGA-02-0002-10"]) == {}


@pytest.mark.parametrize(
    "wrong",
    ["TCGA-02-0001-01A_2", "TCGA-020001", "TCGA-02-0001-1", "TCGA-02-0001-01A.bam",
     "TCGA-02-0001-01Z-00-DX1", "TCGA-02-0001-01A.1", "TCGA\u201302\u20130001"],
)  # fmt: skip
def test_what_only_begins_like_a_barcode_is_refused(wrong: str) -> None:
    with pytest.raises(TableError, match="begins like a TCGA barcode and is none"):
        choose_samples([wrong])


def test_a_map_says_whose_a_sample_is() -> None:
    patients = {"S2": "A", "S1": "A", "S3": "B", "S9": "C"}
    assert choose_samples(["S1", "S2", "S3"], patients) == {"S2": "A", "S3": "B"}


def test_samples_that_the_map_lacks_are_named() -> None:
    with pytest.warns(TableWarning, match=r"2 of 3 samples .*'S7', 'S8'"):
        assert choose_samples(["S7", "S1", "S8"], {"S1": "A"}) == {"S1": "A"}
    with pytest.raises(IdMismatchError, match=r"none of the 1 samples \(first: 'S7'"):
        choose_samples(["S7"], {"S1": "A"})


@pytest.mark.parametrize(
    "text",
    [
        "patient_id,sample_id\n007,S1\nB,S2\n",
        "#Patient\tSample\n#STRING\tSTRING\nPATIENT_ID\tSAMPLE_ID\tX\n007\tS1\t1\nB\tS2\t2\n",
        "File ID\tCase ID\tSample ID\nf\t007\tS1\ng\tB\tS2\n",
        "Sample;Patient ID\nS1;007\nS2;B\n",
        "sampleId\tpatientId\nS1\t007\nS2\tB\n",
        "Sample\tPatient\nS1\t007\nS2\tB\nS1\t007\n",
        "sample_id,patient_id\nS1,007\nS2,B\nS3,\n,C\n",
    ],
)
def test_a_map_is_read_from_the_tables_of_the_portals(text: str, tmp_path: Path) -> None:
    (tmp_path / "samples.txt").write_text(text)
    assert read_sample_map(tmp_path / "samples.txt") == {"S1": "007", "S2": "B"}


def test_a_table_without_samples_or_patients_is_no_map(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("patient_id,age\n007,1\n")
    with pytest.raises(TableError, match="no columns of samples and patients"):
        read_sample_map(tmp_path / "t.csv")


@pytest.mark.parametrize("name", ["sampleID", "sampleId", "Sample", "SAMPLE_ID", "Sample ID"])
def test_samples_in_a_map_stay_as_they_are_written(name: str, tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text(f"{name}\tpatient_id\n12\t0007\n\tP2\n1e5\t8.10\n")
    assert read_sample_map(tmp_path / "t.tsv") == {"12": "0007", "1e5": "8.10"}


def test_a_sample_of_two_patients_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sample_id,patient_id\nS1,A\nS2,B\nS1,C\n")
    with pytest.raises(DuplicateIdError, match=r"1 samples .* of two patients \(first: 'S1'"):
        read_sample_map(tmp_path / "t.csv")


@pytest.mark.parametrize(
    "given", [pd.Series({"S1": "A"}), pd.DataFrame({"sample_id": ["S1"]}), ["S1"], 7]
)
def test_what_is_no_map_is_named(given: Any) -> None:
    with pytest.raises(InputTypeError, match=r"The map of samples is .* dict from sample"):
        read_sample_map(given)


@pytest.mark.parametrize(
    ("samples", "chosen"),
    [
        (["TCGA-02-0001-07A", "TCGA-02-0001-06A"], "TCGA-02-0001-06A"),
        (["TCGA-02-0001-05A", "TCGA-02-0001-11A"], "TCGA-02-0001-05A"),
        (["TCGA-02-0001-40A", "TCGA-02-0001-01B"], "TCGA-02-0001-01B"),
        (
            ["TCGA-02-0001-01A-12R-A131-07", "TCGA-02-0001-01A-11R-A131-07"],
            "TCGA-02-0001-01A-11R-A131-07",
        ),
        (["tcga.02.0001.01b", "TCGA-02-0001-10A"], "tcga.02.0001.01b"),
    ],
)
def test_of_several_samples_the_first_tumour_is_taken(samples: list[str], chosen: str) -> None:
    assert choose_samples(samples) == {chosen: "TCGA-02-0001"}
