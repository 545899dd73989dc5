"""A MAF says who is mutated; who was sequenced has to be said."""

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
