"""A MAF says who is mutated; who was sequenced has to be said."""

import re
from pathlib import Path

import pandas as pd
import pytest

from msfusion_adapters.genomics import GenomicsAdapter
from msfusion_adapters.genomics.mutations import mutation_matrix
from msfusion_sdk.errors import TableError

MAF = """#version 2.4
Hugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode
TP53\tMissense_Mutation\tTCGA-AA-0001-01A-11D
TP53\tNonsense_Mutation\tTCGA-AA-0001-01A-11D
EGFR\tSilent\tTCGA-AA-0001-01A-11D
KRAS\tFrame_Shift_Del\tTCGA-AA-0002-01A-11D
KRAS\tMissense_Mutation\tTCGA-AA-0001-06A-11D
TTN\tIntron\tTCGA-AA-0003-01A-11D
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "data.maf"
    path.write_text(MAF)
    return path


def test_counted_mutations_of_the_chosen_sample_are_1(path: Path) -> None:
    table = GenomicsAdapter(layout="maf").read(path)
    assert table.to_dict("index") == {
        "TCGA-AA-0001": {"KRAS": 0, "TP53": 1},
        "TCGA-AA-0002": {"KRAS": 1, "TP53": 0},
        "TCGA-AA-0003": {"KRAS": 0, "TP53": 0},
    }


def test_who_was_sequenced_without_a_mutation_is_wild_type_and_others_are_missing(
    path: Path,
) -> None:
    profiled = [f"TCGA-AA-000{number}" for number in (1, 2, 3, 7)]
    table = GenomicsAdapter(layout="maf", profiled=profiled).read(path)
    assert table.index.tolist() == profiled
    assert table.loc["TCGA-AA-0007"].tolist() == [0, 0]
    assert "TCGA-AA-0009" not in table.index


def test_an_unprofiled_patient_is_absent_in_the_block(path: Path) -> None:
    adapter = GenomicsAdapter(layout="maf")
    table = adapter.read(path)
    block = adapter.fit(table).transform(table).aligned([*table.index, "TCGA-AA-0009"])
    assert block.present.tolist() == [True, True, True, False]


def test_a_mutated_patient_who_was_not_profiled_is_a_contradiction(path: Path) -> None:
    with pytest.raises(TableError, match=r"2 patients of the MAF.*TCGA-AA-0002, TCGA-AA-0003"):
        GenomicsAdapter(layout="maf", profiled=["TCGA-AA-0001"]).read(path)


def test_which_classes_count_can_be_said(path: Path) -> None:
    maf = pd.read_csv(path, sep="\t", comment="#")
    assert mutation_matrix(maf, classes=["Silent"]).columns.tolist() == ["EGFR"]


def test_a_fitted_adapter_reads_new_patients_into_the_genes_it_knows(
    path: Path, tmp_path: Path
) -> None:
    adapter = GenomicsAdapter(layout="maf")
    adapter.fit(adapter.read(path))
    new = tmp_path / "new.maf"
    new.write_text("\n".join([*MAF.splitlines()[:2], "BRAF\tMissense_Mutation\tP9"]))
    table = adapter.read(new)
    assert table.to_dict("index") == {"P9": {"KRAS": 0, "TP53": 0}}
    assert adapter.transform(table).present.tolist() == [True]


def test_what_is_no_maf_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text("Hugo_Symbol\tx\nTP53\t1\n")
    with pytest.raises(TableError, match="Variant_Classification, Tumor_Sample_Barcode"):
        GenomicsAdapter(layout="maf").read(path)


def maf(*classes: str) -> pd.DataFrame:
    n = len(classes)
    return pd.DataFrame(
        {
            "Hugo_Symbol": [f"G{number}" for number in range(n)],
            "Variant_Classification": classes,
            "Tumor_Sample_Barcode": [f"TCGA-AA-{number:04d}-01A" for number in range(n)],
        }
    )


# As vcf2maf translates them; of several terms the most severe counts.
@pytest.mark.parametrize(
    ("word", "counts"),
    [
        ("missense_variant", True),
        ("stop_gained", True),
        ("synonymous_variant", False),
        ("splice_acceptor_variant", True),
        ("frameshift_variant&splice_region_variant", True),
        ("splice_region_variant,intron_variant", False),
        ("missense_variant;NMD_transcript_variant", True),
        ("3_prime_UTR_variant", False),
        ("nonsynonymous SNV", True),
        ("stopgain", True),
        ("synonymous SNV", False),
        ("missense", True),
        ("frameshift deletion", True),
    ],
)
def test_the_words_of_other_programs_are_translated_with_a_word(word: str, counts: bool) -> None:
    with pytest.warns(UserWarning, match=rf"1 of 3 .*translated: {re.escape(repr(word))}"):
        table = mutation_matrix(maf("Silent", "Missense_Mutation", word))
    assert ("G2" in table.columns) == counts


@pytest.mark.parametrize("word", ["MISSENSE_MUTATION", "Missense-Mutation", "missense mutation"])
def test_the_words_of_maf_are_known_in_any_case(word: str) -> None:
    assert mutation_matrix(maf(word)).columns.tolist() == ["G0"]


def test_words_that_nobody_knows_are_listed() -> None:
    with pytest.warns(UserWarning, match=r"1 of 3 mutations .* do not count: 'spliced oddly'"):
        table = mutation_matrix(maf("Silent", "Nonsense_Mutation", "spliced oddly"))
    assert table.columns.tolist() == ["G1"]


def test_a_list_of_which_half_is_unknown_is_refused() -> None:
    with pytest.raises(TableError, match=r"2 of 3 mutations .*'SNV', 'DEL'.*Missense_Mutation"):
        mutation_matrix(maf("Silent", "SNV", "DEL"))


def test_joined_files_repeat_their_header(path: Path, tmp_path: Path) -> None:
    joined = tmp_path / "joined.maf"
    joined.write_text(MAF + "\n".join(MAF.splitlines()[1:]) + "\n")
    once, twice = (GenomicsAdapter(layout="maf").read(each) for each in (path, joined))
    pd.testing.assert_frame_equal(once, twice)


def test_barcodes_with_dots_and_small_letters_are_patients(tmp_path: Path) -> None:
    text = MAF.replace("TCGA-AA-0001-06A-11D", "tcga.aa.0001.06a.11d").replace(
        "TCGA-AA-0003-01A-11D", "TCGA.AA.0003"
    )
    (tmp_path / "r.maf").write_text(text)
    table = GenomicsAdapter(layout="maf").read(tmp_path / "r.maf")
    assert table.index.tolist() == ["TCGA-AA-0001", "TCGA-AA-0002", "TCGA-AA-0003"]


@pytest.mark.parametrize(
    "text", ["P1\nP2\n\nP3\n", "cancer_study_identifier: x\ncase_list_ids: S1\tS2\tS3\n"]
)
def test_who_was_sequenced_may_be_a_file(text: str, tmp_path: Path) -> None:
    (tmp_path / "sequenced.txt").write_text(text)
    (tmp_path / "t.maf").write_text(
        "Hugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode\nTP53\tMissense_Mutation\tS1\n"
    )
    samples = {"S1": "P1", "S2": "P2", "S3": "P3"}
    adapter = GenomicsAdapter(
        layout="maf", profiled=str(tmp_path / "sequenced.txt"), samples=samples
    )
    assert adapter.read(tmp_path / "t.maf")["TP53"].to_dict() == {"P1": 1, "P2": 0, "P3": 0}


def test_a_mutation_of_nobody_is_refused() -> None:
    with pytest.raises(TableError, match="1 of 2 mutations name no Tumor_Sample_Barcode"):
        mutation_matrix(maf("Silent", "Silent").assign(Tumor_Sample_Barcode=["A", None]))
