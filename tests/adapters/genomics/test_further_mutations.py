"""Further lists of mutations of each kind that once went wrong, and who was sequenced."""

import gzip
import warnings
from pathlib import Path

import pandas as pd
import pytest

from msfusion_adapters.genomics import GenomicsAdapter
from msfusion_adapters.genomics.mutations import mutation_matrix
from msfusion_adapters.genomics.profiled import read_profiled
from msfusion_sdk.errors import IdTypeError, TableError
from msfusion_sdk.tables.issues import TableWarning

ONE, TWO = "TCGA-05-4244-01", "TCGA-05-4249-01"
HEAD = "Hugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode\n"
FOUND = "Missense_Mutation"


def maf(symbols: list[object], classes: list[object], samples: list[object]) -> pd.DataFrame:
    names = HEAD.split()
    return pd.DataFrame(dict(zip(names, (symbols, classes, samples), strict=True)))


@pytest.mark.parametrize("blank", [".", "", "NA", None, "Unknown", "[Not Available]"])
def test_a_column_without_classes_makes_nobody_wild_type(blank: str | None) -> None:
    with pytest.raises(TableError, match="2 of 3 mutations"):
        mutation_matrix(maf(["A", "B", "C"], [FOUND, blank, blank], ["P1", "P2", "P3"]))


@pytest.mark.parametrize("blank", [".", "", None])
def test_a_mutation_without_a_class_is_named(blank: str | None) -> None:
    with pytest.warns(TableWarning, match="1 of 3 mutations have a class that nobody knows"):
        table = mutation_matrix(maf(["A", "B", "C"], [FOUND, FOUND, blank], ["P1", "P2", "P3"]))
    assert table.to_dict("index") == {
        "P1": {"A": 1, "B": 0},
        "P2": {"A": 0, "B": 1},
        "P3": {"A": 0, "B": 0},
    }


@pytest.mark.parametrize(
    ("word", "counts"),
    [
        ("nonsynonymous_SNV", True),
        ("missense variant", True),
        ("STOP_GAINED", True),
        ("splice_acceptor_variant,intron_variant", True),
        ("frameshift_variant&stop_gained", True),
        ("FRAME_SHIFT_DEL ", True),
        ("synonymous SNV", False),
        ("5_prime_UTR_variant", False),
        ("intron variant", False),
    ],
)
@pytest.mark.filterwarnings("ignore::msfusion_sdk.tables.issues.TableWarning")
def test_words_are_known_with_other_marks(word: str, counts: bool) -> None:
    table = mutation_matrix(maf(["A", "B"], [word, FOUND], ["P1", "P2"]))
    assert ("A" in table.columns) == counts


@pytest.mark.parametrize("words", [("SNP", "DEL"), ("p.R175H", "p.G12D"), ("Amplification", "x")])
def test_other_columns_are_no_classes(words: tuple[str, str]) -> None:
    with pytest.raises(TableError, match="2 of 2 mutations"):
        mutation_matrix(maf(["A", "B"], list(words), ["P1", "P2"]))


def test_a_list_in_which_nothing_counts_says_so() -> None:
    with pytest.warns(TableWarning, match="None of the 2 mutations has a class that counts"):
        table = mutation_matrix(maf(["A", "B"], ["Silent", "Intron"], ["P1", "P2"]))
    assert table.shape == (2, 0)


@pytest.mark.parametrize("symbol", ["1-Mar", "2-Sep", "44256", "01.03.2021"])
def test_a_gene_that_a_spreadsheet_renamed_is_left_out_of_a_maf(
    symbol: str, tmp_path: Path
) -> None:
    rows = "".join(f"{gene}\t{FOUND}\t{ONE}\n" for gene in (symbol, "KRAS", "TP53"))
    (tmp_path / "t.maf").write_text(HEAD + rows)
    with pytest.warns(TableWarning, match=f"1 genes have names .*{symbol}"):
        table = GenomicsAdapter(layout="maf").read(tmp_path / "t.maf")
    assert table.to_dict("index") == {"TCGA-05-4244": {"KRAS": 1, "TP53": 1}}


@pytest.mark.parametrize("symbol", ["", " ", "NA", "Unknown", ".", None])
def test_a_mutation_of_no_gene_is_left_out_with_a_word(symbol: str | None) -> None:
    with pytest.warns(TableWarning, match="1 of 2 counted mutations name no gene"):
        table = mutation_matrix(maf([symbol, "B"], [FOUND] * 2, ["P1", "P2"]))
    assert table.to_dict("index") == {"P1": {"B": 0}, "P2": {"B": 1}}


def test_blanks_around_a_gene_are_none_of_its_name() -> None:
    assert list(mutation_matrix(maf([" B ", "B"], [FOUND] * 2, ["P1", "P2"]))) == ["B"]


@pytest.mark.parametrize(
    ("sample", "kind", "what"),
    [
        ("", TableError, "1 of 2 mutations name no Tumor_Sample_Barcode .first: mutation 1"),
        (None, TableError, "mutation 1"),
        (12, IdTypeError, "no text .first: 12"),
        (12.0, IdTypeError, "numbers lose zeros"),
        ("TCGA\u201305\u20134244", TableError, "begins like a TCGA barcode"),
    ],
)
def test_a_mutation_of_no_sample_is_refused(
    sample: object, kind: type[Exception], what: str
) -> None:
    with pytest.raises(kind, match=what):
        mutation_matrix(maf(["A", "B"], [FOUND] * 2, [sample, "P2"]))


def test_mutations_of_normal_tissue_alone_are_refused() -> None:
    with pytest.raises(TableError, match="None of the samples of the MAF is a tumour"):
        mutation_matrix(maf(["A"], [FOUND], ["TCGA-05-4244-11A"]))


@pytest.mark.parametrize("head", [HEAD.upper(), HEAD.replace("_", " ")])
def test_columns_of_other_names_are_shown(head: str, tmp_path: Path) -> None:
    (tmp_path / "t.maf").write_text(f"{head}TP53\t{FOUND}\t{ONE}\n")
    with pytest.raises(TableError, match=f"no MAF.*found: '{head.split(chr(9))[0]}'"):
        GenomicsAdapter(layout="maf").read(tmp_path / "t.maf")


@pytest.mark.parametrize(
    "second",
    [
        f"#version 2.4\n{HEAD}KRAS\t{FOUND}\t{TWO}\n",
        f"\ufeff#version 2.4\n{HEAD}KRAS\t{FOUND}\t{TWO}\n",
        f"{HEAD.lower()}KRAS\t{FOUND}\t{TWO}\n",
        f"{HEAD}{HEAD}KRAS\t{FOUND}\t{TWO}\n",
        f"#a\n#b\n{HEAD}KRAS\t{FOUND}\t{TWO}",
    ],
)
def test_joined_files_are_one_list(second: str, tmp_path: Path) -> None:
    (tmp_path / "t.maf").write_text(f"#version 2.4\n{HEAD}TP53\t{FOUND}\t{ONE}\n{second}")
    assert GenomicsAdapter(layout="maf").read(tmp_path / "t.maf").to_dict("index") == {
        "TCGA-05-4244": {"KRAS": 0, "TP53": 1},
        "TCGA-05-4249": {"KRAS": 1, "TP53": 0},
    }


def test_a_whole_row_that_begins_like_a_comment_is_refused_by_line(tmp_path: Path) -> None:
    rows = f"TP53\t{FOUND}\t{ONE}\n#\t{FOUND}\t{TWO}\n"
    (tmp_path / "t.maf").write_text(f"#version 2.4\n{HEAD}{rows}")
    with pytest.raises(TableError, match=r"begin with '#' \(first: line 4\)"):
        GenomicsAdapter(layout="maf").read(tmp_path / "t.maf")


@pytest.mark.parametrize("order", [(2, 0, 1), (2, 1, 0), (1, 0, 2)])
def test_joined_files_of_other_columns_are_refused(
    order: tuple[int, int, int], tmp_path: Path
) -> None:
    cells = [HEAD.split(), ["KRAS", FOUND, "P2"]]
    second = "".join("\t".join(row[k] for k in order) + "\n" for row in cells)
    (tmp_path / "t.maf").write_text(f"{HEAD}TP53\t{FOUND}\tP1\n{second}")
    with pytest.raises(TableError, match=r"Line 3 of t\.maf seems to be another header"):
        GenomicsAdapter(layout="maf").read(tmp_path / "t.maf")


LISTS = {
    "quotes of R": f'"{ONE}"\n"{TWO}"\n'.encode(),
    "case list with blanks": f"case_list_ids: {ONE} {TWO}\n".encode(),
    "UTF-16": f"{ONE}\r\n{TWO}".encode("utf-16"),
    "gzip": gzip.compress(f"#all\n{ONE}\n{TWO}\n".encode()),
    "old Mac": f"\ufeff{ONE}\r{TWO}\r".encode(),
}


@pytest.mark.parametrize("data", LISTS.values(), ids=LISTS)
def test_who_was_sequenced_is_read_however_it_is_written(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_profiled(tmp_path / "list") == [ONE, TWO]


@pytest.mark.parametrize("head", ["patient_id", "SAMPLE_ID", '"x"', "V1", "Tumor_Sample_Barcode"])
def test_a_header_is_no_patient_without_mutations(head: str, tmp_path: Path) -> None:
    (tmp_path / "list").write_text(f"{head}\n{ONE}\n{TWO}\n")
    with pytest.raises(TableError, match="is a header, and no id"):
        read_profiled(tmp_path / "list")


def test_numbers_are_nobody_who_was_sequenced() -> None:
    with pytest.raises(IdTypeError, match="2 of the profiled are no text"):
        read_profiled([1, 2])  # type: ignore[list-item]
