"""Further gene matrices of each kind that once went wrong: read exactly right, or refused."""

from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest

from msfusion_adapters.genomics import GenomicsAdapter
from msfusion_sdk.errors import IdTypeError, TableError
from msfusion_sdk.tables.issues import TableWarning

ONE, TWO = "TCGA-05-4244-01", "TCGA-05-4249-01"


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def call(layout: Any, text: str, **settings: Any) -> pd.DataFrame:
        path = tmp_path / "matrix.txt"
        path.write_text(text)
        return GenomicsAdapter(layout=layout, **settings).read(path)

    return call


@pytest.mark.parametrize("layout", ["xena", "genes_by_patients"])
@pytest.mark.parametrize("name", ["Entrez_Gene_Id", "Locus ID", "Length", "CHR", "gene_length"])
def test_what_describes_genes_is_no_patient(layout: str, name: str, read: Any) -> None:
    with pytest.raises(TableError, match=f"{name}.*no samples.*layout 'cbioportal'"):
        read(layout, f"gene\t{name}\t{ONE}\nTP53\t7157\t1\n")


@pytest.mark.parametrize("layout", ["xena", "genes_by_patients"])
def test_patients_down_are_no_genes(layout: str, read: Any) -> None:
    with pytest.raises(TableError, match=r"'sample', holds patients.*'patients_by_genes'"):
        read(layout, f"sample\tTP53\tEGFR\n{ONE}\t1\t2\n{TWO}\t3\t4\n")


@pytest.mark.parametrize("text", ["gene\nTP53\nEGFR\n", "gene\tP1\tP2\n", "gene\tP1\n\t1\n\t2\n"])
def test_a_matrix_without_genes_or_samples_is_refused(text: str, read: Any) -> None:
    with pytest.raises(TableError, match="matrix"):
        read("genes_by_patients", text)


@pytest.mark.parametrize("cell", ["1-May", "2021-05-01", "x", "\u22121.5", "1,5"])
def test_a_cell_that_is_no_number_is_shown_with_its_gene(cell: str, read: Any) -> None:
    with pytest.raises(TableError, match=f"'P1', 'EGFR': '{cell}'"):
        read("genes_by_patients", f"gene\tP1\tP2\nTP53\t1.5\t2\nEGFR\t{cell}\t3\n")


def test_the_second_header_of_firehose_is_shown(read: Any) -> None:
    with pytest.raises(TableError, match="'gene_id': 'normalized_count'"):
        read("xena", f"Hybridization REF\t{ONE}\ngene_id\tnormalized_count\nTP53|7157\t12.5\n")


def test_rows_that_are_of_no_gene_are_left_out(read: Any) -> None:
    text = f"Ensembl_ID\t{ONE}\nENSG1.17\t1\n__no_feature\t10\nNA\t2\nNA\t4\n"
    assert read("xena", text).to_dict("list") == {"ENSG1.17": [1]}


def test_words_for_gaps_are_gaps(read: Any) -> None:
    table = read("xena", f"gene\t{ONE}\t{TWO}\nA\tnull\t1\nB\t[Not Available]\tNaN\n")
    np.testing.assert_array_equal(table, [[np.nan, np.nan], [1, np.nan]])


def test_normal_tissue_alone_is_refused(read: Any) -> None:
    with pytest.raises(TableError, match="None of the 2 samples is a tumour"):
        read("xena", "gene\tTCGA-05-4244-11\tTCGA-05-4249-10\nTP53\t1\t2\n")


@pytest.mark.parametrize("kind", ["05", "07"])
def test_an_additional_tumour_stands_for_who_has_no_other(kind: str, read: Any) -> None:
    text = f"gene\tTCGA-05-4244-{kind}\tTCGA-05-4249-{kind}\t{TWO}\nTP53\t1\t2\t3\n"
    assert read("xena", text)["TP53"].to_dict() == {"TCGA-05-4244": 1, "TCGA-05-4249": 3}


@pytest.mark.parametrize(
    ("symbol", "number", "gene"),
    [
        ("TP53", "7157///7158", "TP53"),
        ("TP53", "7157.5", "TP53"),
        ("TP53", "NA", "TP53"),
        ("NA", "7157", "entrez:7157"),
        ("", "7157.0", "entrez:7157"),
    ],
)
def test_a_gene_of_cbioportal_has_a_name_or_a_number(
    symbol: str, number: str, gene: str, read: Any
) -> None:
    text = f"Hugo_Symbol\tEntrez_Gene_Id\t{ONE}\n{symbol}\t{number}\t1\nKRAS\t3845\t2\n"
    assert read("cbioportal", text).to_dict("list") == {gene: [1], "KRAS": [2]}


@pytest.mark.parametrize("number", ["-1", "0", "NA"])
def test_genes_without_a_number_are_no_gene_together(number: str, read: Any) -> None:
    head = f"Hugo_Symbol\tEntrez_Gene_Id\t{ONE}\n"
    assert list(read("cbioportal", f"{head}\t{number}\t1\n\t{number}\t3\nKRAS\t1\t2\n")) == ["KRAS"]
    with pytest.raises(TableError, match="None of the 2 rows"):
        read("cbioportal", f"{head}\t{number}\t1\n\t{number}\t3\n")


def test_a_day_in_a_workbook_is_no_symbol_of_cbioportal(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["Hugo_Symbol", "Entrez_Gene_Id", ONE], [44256, 7157, 1.0], ["EGFR", 1956, 2.0]):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(IdTypeError, match=r"'Hugo_Symbol' has 1 cells .*A2, a number"):
        GenomicsAdapter(layout="cbioportal").read(tmp_path / "t.xlsx")


def test_a_file_of_the_gdc_with_a_word_for_a_value_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("gene_name\ttpm_unstranded\nTP53\t1.5\nEGFR\tx\n")
    sheet = tmp_path / "sheet.tsv"
    sheet.write_text(f"File ID\tFile Name\tSample ID\nf\ta.tsv\t{ONE}A\n")
    with pytest.raises(TableError, match=r"a\.tsv has 1 values .*'x' of 'EGFR'"):
        GenomicsAdapter(layout="gdc").read(sheet)


def test_the_cell_that_is_no_number_is_shown_with_its_patient() -> None:
    table = pd.DataFrame({"A": [1.0, 2.0], "B": [1.5, "x"]}, pd.Index(["P1", "P2"]))
    with pytest.raises(TableError, match=r"'B' \(P2: 'x'\)"):
        GenomicsAdapter().fit(table)


GENES = [f"G{number}" for number in range(20)]


@pytest.mark.parametrize(
    ("names", "what"),
    [
        ([name.lower() for name in GENES], "20 of 20 columns .*found: 'g0'"),
        ([f"{name}.1" for name in GENES], "20 of 20 columns .*found: 'G0.1'"),
        (GENES[3:], "3 of 20 columns .*'G0', 'G1', 'G2'"),
        ([*GENES, "NEW"], "'NEW'.*Drop them"),
        ([], "20 of 20 columns"),
    ],
)
def test_other_genes_than_in_training_are_named(names: list[str], what: str) -> None:
    ids = pd.Index([f"P{number}" for number in range(8)], name="patient_id")
    numbers = np.random.default_rng(0).normal(size=(8, 21))
    adapter = GenomicsAdapter().fit(pd.DataFrame(numbers[:, :20], ids, GENES))
    with pytest.raises(TableError, match=what):
        adapter.transform(pd.DataFrame(numbers[:, : len(names)], ids, names))


def test_genes_in_another_order_are_the_same_genes() -> None:
    ids = pd.Index([f"P{number}" for number in range(8)], name="patient_id")
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(8, 20)), ids, GENES)
    adapter = GenomicsAdapter().fit(table)
    turned = adapter.transform(table[GENES[::-1]])
    np.testing.assert_array_equal(turned.values, adapter.transform(table).values)
    with pytest.warns(TableWarning, match="1 of 20 genes .*'G7'"):
        adapter.transform(table.drop(columns="G7"))


@pytest.mark.parametrize("cohort", ["kirc", "luad"])
def test_real_mutations_and_copies_survive_a_turn(
    cohort: str, shared: Path, tmp_path: Path
) -> None:
    table = pd.read_parquet(shared / "data" / "tcga" / cohort / "cnv.parquet")
    table = table.iloc[:9, :40].set_index("patient_id")
    turned = table.T.rename_axis("gene").rename(columns=lambda name: name.replace("-", ".") + ".01")
    # As R writes it: the header is a name short, and dashes are dots.
    text = turned.to_csv(sep="\t").partition("\t")[2]
    (tmp_path / "r").write_text(text)
    read = GenomicsAdapter(layout="xena").read(tmp_path / "r")
    pd.testing.assert_frame_equal(read, table, check_dtype=False, check_names=False)
