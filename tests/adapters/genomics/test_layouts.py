"""Gene matrices as they are downloaded: whose rows, whose columns, whose names."""

import gzip
import logging
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from msfusion_adapters.barcodes import choose_samples
from msfusion_adapters.genomics import GenomicsAdapter
from msfusion_sdk.errors import DuplicateIdError, IdTypeError, TableError

CBIOPORTAL = """Hugo_Symbol\tEntrez_Gene_Id\tTCGA-05-4244-01\tTCGA-05-4249-01
TP53\t7157\t1.5\t-2
\t100134\t0.5\t3
TP53\t9999\t2.5\t0
EGFR\t1956\t4\tNA
"""

XENA = """sample\tTCGA-05-4244-01\tTCGA-05-4244-11\tTCGA-05-4249-06
TP53\t1\t9\t2
SEPT7\t3\t9\t4
"""


def read(layout: str, path: Path, text: str) -> pd.DataFrame:
    path.write_text(text)
    return GenomicsAdapter(layout=layout).read(path)


def test_patients_by_genes_is_read_as_it_is(tmp_path: Path) -> None:
    table = read("patients_by_genes", tmp_path / "t.csv", "patient_id,TP53,EGFR\n007,1,2\n")
    assert table.to_dict("index") == {"007": {"TP53": 1, "EGFR": 2}}


@pytest.mark.parametrize("header", ["gene", ""])
def test_genes_by_patients_is_turned(header: str, tmp_path: Path) -> None:
    text = f"{header},007,P2\nTP53,1,2\nNA,3,4\n"
    table = read("genes_by_patients", tmp_path / "t.csv", text)
    assert table.to_dict("index") == {"007": {"TP53": 1, "NA": 3}, "P2": {"TP53": 2, "NA": 4}}


def test_a_square_table_is_read_as_it_is_said_to_be() -> None:
    square = pd.DataFrame({"patient_id": ["A", "B"], "A": [1, 2], "B": [3, 4]})
    as_is = GenomicsAdapter(layout="patients_by_genes").read(square)
    turned = GenomicsAdapter(layout="genes_by_patients").read(square)
    assert as_is.loc["A", "B"] == 3
    assert turned.loc["A", "B"] == 2


def test_the_wrong_layout_is_an_error_not_a_guess(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="State the layout"):
        read("genes_by_patients", tmp_path / "t.csv", "patient_id,sex,TP53\nA,f,1\nB,m,2\n")
    with pytest.raises(IdTypeError, match="'patient_id'"):
        read("patients_by_genes", tmp_path / "t.csv", "gene,A,B\nTP53,1,2\n")
    with pytest.raises(TableError, match="not from cBioPortal"):
        read("cbioportal", tmp_path / "t.txt", XENA)


def test_an_adapter_reads_every_kind_of_file(tmp_path: Path) -> None:
    expected = pd.DataFrame({"TP53": [1.5, 2.5]}, index=pd.Index(["a", "b"], name="patient_id"))
    expected.reset_index().to_csv(tmp_path / "t.tsv", sep="\t", index=False)
    expected.to_parquet(tmp_path / "t.parquet")
    for name in ("t.tsv", "t.parquet"):
        pd.testing.assert_frame_equal(GenomicsAdapter().read(tmp_path / name), expected)


def test_a_cbioportal_matrix_has_patients_and_symbols(tmp_path: Path) -> None:
    table = read("cbioportal", tmp_path / "data_mrna_seq_v2_rsem.txt", CBIOPORTAL)
    assert table.index.tolist() == ["TCGA-05-4244", "TCGA-05-4249"]
    assert table.columns.tolist() == ["TP53", "entrez:100134", "EGFR"]
    assert np.isnan(table.loc["TCGA-05-4249", "EGFR"])


def test_two_rows_of_one_gene_are_averaged_within_each_patient(tmp_path: Path) -> None:
    table = read("cbioportal", tmp_path / "t.txt", CBIOPORTAL)
    assert table["TP53"].tolist() == [2.0, -1.0]


def test_a_gene_without_any_name_is_left_out_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        table = read("cbioportal", tmp_path / "t.txt", CBIOPORTAL.replace("100134", ""))
    assert table.columns.tolist() == ["TP53", "EGFR"]
    assert "1 of 4 rows left out: no gene name" in caplog.text


def test_without_symbols_the_numbers_are_the_names(tmp_path: Path) -> None:
    text = "Entrez_Gene_Id\tCytoband\tP1\n7157\t17p13\t-1\n"
    table = read("cbioportal", tmp_path / "data_cna.txt", text)
    assert table.to_dict("index") == {"P1": {"entrez:7157": -1}}


def test_a_xena_matrix_leaves_normal_tissue_out(tmp_path: Path) -> None:
    path = tmp_path / "HiSeqV2.tsv.gz"
    path.write_bytes(gzip.compress(XENA.encode()))
    table = GenomicsAdapter(layout="xena").read(path)
    assert table.to_dict("index") == {
        "TCGA-05-4244": {"TP53": 1, "SEPT7": 3},
        "TCGA-05-4249": {"TP53": 2, "SEPT7": 4},
    }


@pytest.mark.parametrize(
    ("samples", "chosen"),
    [
        (["TCGA-AA-0001-06A", "TCGA-AA-0001-01A"], "TCGA-AA-0001-01A"),
        (["TCGA-AA-0001-01B", "TCGA-AA-0001-01A"], "TCGA-AA-0001-01A"),
        (["TCGA-AA-0001-11A", "TCGA-AA-0001-02A"], "TCGA-AA-0001-02A"),
        (["TCGA-AA-0001-01A-11R-A131-07", "TCGA-AA-0001-10A-01D"], "TCGA-AA-0001-01A-11R-A131-07"),
        (["TCGA-AA-0001"], "TCGA-AA-0001"),
    ],
)
def test_one_tumour_sample_stands_for_a_patient(samples: list[str], chosen: str) -> None:
    assert choose_samples(samples) == {chosen: "TCGA-AA-0001"}


def test_normal_tissue_alone_is_no_patient_and_other_ids_stay() -> None:
    assert choose_samples(["TCGA-AA-0001-11A", "CPTAC-7"]) == {"CPTAC-7": "CPTAC-7"}


def test_a_patient_twice_is_an_error_outside_tcga(tmp_path: Path) -> None:
    with pytest.raises(DuplicateIdError, match="P1"):
        read("genes_by_patients", tmp_path / "t.csv", "gene,P1,P1\nTP53,1,2\n")


def test_the_shared_expression_tables_are_read_whole(shared: Path) -> None:
    for cohort, patients, genes in [("luad", 453, 1555), ("kirp", 260, 1557)]:
        table = GenomicsAdapter().read(shared / f"data/tcga/{cohort}/rna.parquet")
        assert table.shape == (patients, genes)


R_MATRIX = "P01\tP02\tP03\nTP53\t0.1\t-0.1\t0.6\nEGFR\t0.2\t-0.5\t0.3\n"


@pytest.mark.parametrize(
    "text", [R_MATRIX, "#gene\t" + R_MATRIX, "gene\t" + R_MATRIX, "\t" + R_MATRIX]
)
def test_the_first_column_needs_no_name(text: str, tmp_path: Path) -> None:
    table = read("genes_by_patients", tmp_path / "r.tsv", text)
    assert table.to_dict("index") == {
        "P01": {"TP53": 0.1, "EGFR": 0.2},
        "P02": {"TP53": -0.1, "EGFR": -0.5},
        "P03": {"TP53": 0.6, "EGFR": 0.3},
    }


def test_a_german_matrix_is_read(tmp_path: Path) -> None:
    table = read("genes_by_patients", tmp_path / "t.csv", "gene;P01\nTP53;0,5\nEGFR;1,25\n")
    assert table.loc["P01"].to_dict() == {"TP53": 0.5, "EGFR": 1.25}


@pytest.mark.parametrize("wrong", ["1-Mar", "2-Sep", "Mar-01", "44256", "2.31E+13", "01.03.2021"])
def test_genes_that_a_spreadsheet_renamed_are_left_out_with_a_word(
    wrong: str, tmp_path: Path
) -> None:
    text = f"gene\tA\tB\nTP53\t1\t2\n{wrong}\t3\t4\nSEPTIN7\t5\t6\n"
    with pytest.warns(UserWarning, match=rf"1 genes .*{re.escape(wrong)}"):
        table = read("genes_by_patients", tmp_path / "t.tsv", text)
    assert table.columns.tolist() == ["TP53", "SEPTIN7"]


def test_entrez_numbers_are_no_dates(tmp_path: Path) -> None:
    text = "gene,A,B\n7157,1,2\n44256,3,4\n1956,5,6\n"
    assert read("genes_by_patients", tmp_path / "t.csv", text).shape == (2, 3)


def test_samples_of_another_study_are_mapped_to_patients(tmp_path: Path) -> None:
    (tmp_path / "data_clinical_sample.txt").write_text(
        "#a\tb\nPATIENT_ID\tSAMPLE_ID\n007\tS1\n008\tS2\n"
    )
    (tmp_path / "data_mrna.txt").write_text("Hugo_Symbol\tS2\tS1\nTP53\t1\t2\n")
    adapter = GenomicsAdapter(
        layout="cbioportal", samples=str(tmp_path / "data_clinical_sample.txt")
    )
    table = adapter.read(tmp_path / "data_mrna.txt")
    assert table["TP53"].to_dict() == {"008": 1, "007": 2}


QUANTIFICATION = """# gene-model: GENCODE v36
gene_id\tgene_name\tgene_type\tunstranded\ttpm_unstranded
N_unmapped\t\t\t100\t
ENSG1.1\tTP53\tprotein_coding\t5\t{}
ENSG2.1\tSNOR\tsnRNA\t1\t2
ENSG3.1\tSNOR\tsnRNA\t3\t4
"""


def gdc(folder: Path, samples: dict[str, float]) -> Path:
    """Write a sample sheet and its files, as gdc-client leaves them."""
    lines = ["File ID\tFile Name\tCase ID\tSample ID"]
    for number, (sample, tpm) in enumerate(samples.items()):
        (folder / f"id{number}").mkdir()
        (folder / f"id{number}" / "counts.tsv").write_text(QUANTIFICATION.format(tpm))
        lines.append(f"id{number}\tcounts.tsv\t{sample[:12]}\t{sample}")
    (folder / "gdc_sample_sheet.tsv").write_text("\n".join(lines) + "\n")
    return folder / "gdc_sample_sheet.tsv"


def test_files_of_the_gdc_are_joined_by_their_sample_sheet(tmp_path: Path) -> None:
    sheet = gdc(tmp_path, {"TCGA-05-4244-01A": 7.5, "TCGA-05-4244-11A": 9, "TCGA-05-4249-01A": 1})
    table = GenomicsAdapter(layout="gdc").read(sheet)
    assert table.to_dict("index") == {
        "TCGA-05-4244": {"TP53": 7.5, "SNOR": 3},
        "TCGA-05-4249": {"TP53": 1, "SNOR": 3},
    }


def test_a_file_that_the_sheet_names_must_be_there(tmp_path: Path) -> None:
    sheet = gdc(tmp_path, {"TCGA-05-4244-01A": 7.5})
    (tmp_path / "id0" / "counts.tsv").unlink()
    with pytest.raises(TableError, match=r"'TCGA-05-4244-01A' is neither .*id0"):
        GenomicsAdapter(layout="gdc").read(sheet)


def test_what_is_no_sheet_of_the_gdc_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"no sample sheet.*'File ID'"):
        read("gdc", tmp_path / "t.tsv", "case_submitter_id\tage\nA\t1\n")
    with pytest.raises(TableError, match="layout='geo' is not one of"):
        read("geo", tmp_path / "t.tsv", R_MATRIX)
