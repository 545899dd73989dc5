"""Files of the portals come into a cohort by their layout, and a table without one names it."""

from pathlib import Path

import pandas as pd
import pytest

from msfusion_adapters.genomics import GenomicsAdapter
from msfusion_sdk import Cohort
from msfusion_sdk.errors import IdMismatchError, TableError
from msfusion_sdk.tables.files.table_file import TableFile

MATRIX = "Hugo_Symbol\tEntrez_Gene_Id\tTCGA-05-4244-01\tTCGA-05-4249-01\nTP53\t7157\t1\t2\n"
MAF = (
    "#version 2.4\nHugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode\n"
    "TP53\tMissense_Mutation\tTCGA-05-4244-01A\n"
)
BIOTAB = (
    "bcr_patient_barcode\tage\nbcr_patient_barcode\tage\nCDE_ID:1\tCDE_ID:2\nTCGA-05-4244\t61\n"
)


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    ids = ["TCGA-05-4244", "TCGA-05-4249"]
    return Cohort.create(tmp_path / "cohort", patients=pd.DataFrame({"patient_id": ids}))


def written(folder: Path, text: str, name: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_a_matrix_of_cbioportal_is_added_by_its_layout(cohort: Cohort, tmp_path: Path) -> None:
    cohort.add_modality("genomics", written(tmp_path, MATRIX, "m.txt"), layout="cbioportal")
    assert cohort.modality("genomics")["TP53"].to_dict() == {"TCGA-05-4244": 1, "TCGA-05-4249": 2}


def test_a_modality_of_another_name_says_whose_layout_it_is(cohort: Cohort, tmp_path: Path) -> None:
    path = written(tmp_path, MATRIX, "m.txt")
    with pytest.raises(TableError, match=r"No adapter is called 'rna'.*--adapter.*genomics"):
        cohort.add_modality("rna", path, layout="cbioportal")
    cohort.add_modality("rna", path, adapter="genomics", layout="cbioportal")
    assert cohort.modality("rna").shape == (2, 1)


def test_an_adapter_with_settings_of_its_own_reads_a_file(cohort: Cohort, tmp_path: Path) -> None:
    path = written(tmp_path, MATRIX.replace("TCGA-05-", "S"), "m.txt")
    samples = {"S4244-01": "TCGA-05-4244", "S4249-01": "TCGA-05-4249"}
    adapter = GenomicsAdapter(layout="cbioportal", samples=samples)
    cohort.add_modality("rna", path, adapter=adapter)
    assert cohort.modality("rna")["TP53"].tolist() == [1, 2]
    with pytest.raises(TableError, match=r"layout= goes to an adapter that is named"):
        cohort.add_modality("rna", path, adapter=adapter, layout="xena", replace=True)


def test_settings_of_the_adapter_go_along(cohort: Cohort, tmp_path: Path) -> None:
    path = written(tmp_path, MAF, "m.maf")
    cohort.add_modality("genomics", path, layout="maf", profiled=cohort.patient_ids)
    assert cohort.modality("genomics")["TP53"].tolist() == [1, 0]


def test_what_an_adapter_says_stays_with_the_cohort(cohort: Cohort, tmp_path: Path) -> None:
    text = MATRIX + "1-Mar\t1\t3\t4\n"
    cohort.add_modality("genomics", written(tmp_path, text, "m.txt"), layout="cbioportal")
    assert "1 genes have names that a spreadsheet" in str(cohort.report())


def test_a_layout_or_setting_that_nobody_knows_is_refused(cohort: Cohort, tmp_path: Path) -> None:
    path = written(tmp_path, MATRIX, "m.txt")
    with pytest.raises(TableError, match=r"'genomics' does not know the layout 'geo'.*cbioportal"):
        cohort.add_modality("genomics", path, layout="geo")
    with pytest.raises(TableError, match=r"no such setting.*rare_share"):
        cohort.add_modality("clinical", path, layout="xena", profiled=["x"])
    with pytest.raises(TypeError, match="sheets"):
        cohort.add_modality("genomics", path, layout="xena", sheets=3)  # type: ignore[call-arg]
    with pytest.raises(TableError, match=r"'table' does not know .*no layouts"):
        cohort.add_modality("table", path, layout="xena")
    with pytest.raises(TableError, match="A layout is for files"):
        cohort.add_modality("genomics", pd.DataFrame(), layout="xena")


def test_patients_whom_the_cohort_lacks_are_refused_as_ever(cohort: Cohort, tmp_path: Path) -> None:
    path = written(tmp_path, MATRIX.replace("4249", "9999"), "m.txt")
    with pytest.raises(IdMismatchError, match="TCGA-05-9999"):
        cohort.add_modality("genomics", path, layout="cbioportal")


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        (MATRIX, "cbioportal"),
        (MATRIX.replace("Hugo_Symbol\t", "").replace("TP53\t", ""), "cbioportal"),
        ("#a\tb\n#c\td\nPATIENT_ID\tAGE\nA\t1\n", "cbioportal"),
        ("sample\tTCGA-05-4244-01\tTCGA-05-4249-01\nTP53\t1\t2\n", "xena"),
        ("\tTCGA.05.4244.01\tTCGA.05.4249.01\nTP53\t1\t2\n", "xena"),
        ("TCGA.05.4244.01\tTCGA.05.4249.01\nTP53\t1\t2\n", "xena"),
        (MAF, "maf"),
        (BIOTAB, "gdc"),
        ("case_submitter_id\tage\nA\t1\n", "gdc"),
        ("File ID\tFile Name\tCase ID\tSample ID\nf\tn\tA\tS\n", "gdc"),
    ],
)
def test_a_file_of_a_portal_names_the_layout_that_reads_it(
    text: str, layout: str, cohort: Cohort, tmp_path: Path
) -> None:
    with pytest.raises(TableError, match=rf"layout='{layout}'|'{layout}'.*--layout"):
        cohort.add_modality("genomics", written(tmp_path, text, "t.txt"))


def test_a_cohort_begins_with_a_clinical_file_of_a_portal(tmp_path: Path) -> None:
    path = written(tmp_path, BIOTAB, "b.txt")
    cohort = Cohort.create(tmp_path / "new", patients=path, layout="gdc")
    assert cohort.patients.to_pydict() == {"patient_id": ["TCGA-05-4244"], "age": [61]}


def test_a_file_may_say_how_it_is_to_be_read(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes("patient_id;name;x\n0012;Köln;1,234\n".encode("cp1252"))
    said = TableFile(path=path, encoding="cp1252", decimal=",")
    cohort = Cohort.create(tmp_path / "new", patients=said)
    assert cohort.patients.to_pydict() == {"patient_id": ["0012"], "name": ["Köln"], "x": [1.234]}


def test_a_row_of_placeholders_is_no_row(cohort: Cohort) -> None:
    table = pd.DataFrame(
        {"patient_id": cohort.patient_ids, "grade": ["G1", "[Not Available]"], "age": [61, None]}
    )
    cohort.add_modality("clinical", table)
    assert cohort.modality("clinical").index.tolist() == ["TCGA-05-4244"]
