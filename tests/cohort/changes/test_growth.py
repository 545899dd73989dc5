"""A cohort grows and is mended; what stays the same is not encoded again."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from msfusion_sdk import Cohort, SlideEncoder
from msfusion_sdk.cohort.encoding.plan import SlideRow, plan_run
from msfusion_sdk.cohort.store.ledger import Ledger, SlideStatus
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.errors import DuplicateIdError, IdMismatchError, TableError
from msfusion_sdk.tables.paths import path_of

pytestmark = [
    pytest.mark.filterwarnings("ignore::msfusion_sdk.cohort.outcomes_of.OutcomeWarning"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def originals(made_slide: Path, tiny_slide: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four slide files of two contents: s0, s2 and s1, s3."""
    folder = tmp_path_factory.mktemp("originals")
    for number in range(4):
        shutil.copy2((made_slide, tiny_slide)[number % 2], folder / f"s{number}.svs")
    return folder


@pytest.fixture
def cohort(originals: Path, small_encoder: SlideEncoder, tmp_path: Path) -> Cohort:
    """Patients a and b with a slide each, encoded."""
    shutil.copytree(originals, tmp_path / "slides")
    slides = slide_rows(tmp_path, 2)
    patients = pd.DataFrame({"patient_id": ["a", "b"], "diagnosis": ["x", "y"]})
    made = Cohort.create(tmp_path / "cohort", patients=patients, slides=slides)
    made.add_modality("clinical", pd.DataFrame({"patient_id": ["a", "b"], "age": [50, 60]}))
    encode(made, small_encoder)
    return made


def slide_rows(folder: Path, n: int, first: int = 0) -> pd.DataFrame:
    numbers = range(first, first + n)
    return pd.DataFrame(
        {
            "slide_id": [f"s{number}" for number in numbers],
            "patient_id": [("a", "b")[number % 2] for number in numbers],
            "path": [str(folder / "slides" / f"s{number}.svs") for number in numbers],
        }
    )


def to_do(cohort: Cohort, encoder: SlideEncoder) -> list[str]:
    assert cohort.slides is not None
    rows = [
        SlideRow(row["slide_id"], path_of(row), row["mpp"]) for row in cohort.slides.to_pylist()
    ]
    store = EmbeddingStore(cohort.root, encoder.fingerprint)
    return sorted(task.slide_id for task in plan_run(rows, store, patches=False).tasks)


def encode(cohort: Cohort, encoder: SlideEncoder) -> list[str]:
    """Encode what is to do, as workers would, and return it."""
    assert cohort.slides is not None
    wanted = to_do(cohort, encoder)
    store = EmbeddingStore(cohort.root, encoder.fingerprint)
    store.prepare()
    ledger = Ledger(cohort.root, encoder.fingerprint)
    for row in cohort.slides.to_pylist():
        if row["slide_id"] in wanted:
            result = encoder.encode(path_of(row), mpp=row["mpp"], slide_id=row["slide_id"])
            store.commit(result, patches=True)
            ledger.write(SlideStatus(slide_id=row["slide_id"], status=result.status))
    return wanted


def test_new_slides_alone_are_work(
    cohort: Cohort, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    change = cohort.add_slides(slide_rows(tmp_path, 2, first=2))
    assert (change.added, change.report.n_slides) == (2, 4)
    assert to_do(cohort, small_encoder) == ["s2", "s3"]
    assert Cohort.open(cohort.root).slides.num_rows == 4


def test_the_whole_table_with_new_rows_in_it_adds_these(cohort: Cohort, tmp_path: Path) -> None:
    rows = slide_rows(tmp_path, 3)
    with pytest.raises(DuplicateIdError):
        cohort.add_slides(rows)
    change = cohort.add_slides(rows, on_duplicate="drop_identical")
    assert (change.added, change.already_there) == (1, 2)
    moved = rows.assign(path=rows["path"].str.replace("s0", "s3"))
    with pytest.raises(DuplicateIdError, match="s0"):
        cohort.add_slides(moved, on_duplicate="drop_identical")


def test_the_same_table_twice_names_the_option_that_leaves_rows_out(
    cohort: Cohort, tmp_path: Path
) -> None:
    with pytest.raises(DuplicateIdError, match=r"2 rows are identical .*--on-duplicate"):
        cohort.add_slides(slide_rows(tmp_path, 2))
    people = pd.DataFrame({"patient_id": ["a", "b"], "diagnosis": ["x", "y"]})
    with pytest.raises(DuplicateIdError, match=r"2 rows are identical .*--on-duplicate"):
        cohort.add_patients(people)


def test_a_slide_of_an_unknown_patient_changes_nothing(cohort: Cohort, tmp_path: Path) -> None:
    rows = slide_rows(tmp_path, 1, first=2).assign(patient_id="c")
    with pytest.raises(IdMismatchError, match="'c'"):
        cohort.add_slides(rows)
    assert cohort.slides is not None
    assert cohort.slides.num_rows == 2


def test_new_patients_may_have_other_columns(cohort: Cohort, tmp_path: Path) -> None:
    new = pd.DataFrame({"patient_id": ["c"], "diagnosis": ["x"], "time_months": 3.0, "event": 1})
    change = cohort.add_patients(new)
    assert change.report.n_patients == 3
    # Nobody lacked it when the table was added.
    found = "1 of 3 patients of the cohort lack the modality 'clinical', which is of the DataFrame."
    assert found in [finding.message for finding in change.report.findings]
    assert cohort.outcome("diagnosis").to_dict() == {"a": "x", "b": "y", "c": "x"}
    assert list(cohort.outcome("survival").index) == ["c"]
    cohort.add_slides(slide_rows(tmp_path, 1, first=2).assign(patient_id="c"))


def test_values_of_another_kind_are_refused(cohort: Cohort) -> None:
    with pytest.raises(TableError, match="holds int64, and string in the cohort"):
        cohort.add_patients(pd.DataFrame({"patient_id": ["c"], "diagnosis": [1]}))


def test_a_moved_folder_keeps_its_results(
    cohort: Cohort, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    (tmp_path / "slides").rename(tmp_path / "archive")
    change = cohort.relocate(tmp_path / "slides", tmp_path / "archive")
    assert (change.changed, sorted(change.kept_results), change.missing) == (2, ["s0", "s1"], ())
    assert to_do(cohort, small_encoder) == []


def test_a_copy_with_another_time_keeps_its_result_while_the_original_is_there(
    cohort: Cohort, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    (tmp_path / "copy").mkdir()
    shutil.copyfile(tmp_path / "slides" / "s0.svs", tmp_path / "copy" / "s0.svs")
    change = cohort.set_slide("s0", path=tmp_path / "copy" / "s0.svs")
    assert change.kept_results == ("s0",)
    assert to_do(cohort, small_encoder) == []


def test_a_moved_copy_is_known_by_its_hash(
    cohort: Cohort, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    (tmp_path / "slides").rename(tmp_path / "archive")
    for path in (tmp_path / "archive").iterdir():
        os.utime(path, (1, 1))
    change = cohort.relocate(tmp_path / "slides", tmp_path / "archive")
    assert sorted(change.kept_results) == ["s0", "s1"]
    assert to_do(cohort, small_encoder) == []
    os.utime(tmp_path / "archive" / "s0.svs", (2, 2))  # changed after it was looked at
    assert to_do(cohort, small_encoder) == ["s0"]


def test_another_slide_at_the_new_place_is_encoded_again(
    cohort: Cohort, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    change = cohort.set_slide("s0", path=tmp_path / "slides" / "s3.svs")
    assert list(change.to_encode) == ["s0"]
    assert to_do(cohort, small_encoder) == ["s0"]


def test_a_slide_that_stayed_where_it_was_keeps_its_row(cohort: Cohort, tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    shutil.move(tmp_path / "slides" / "s1.svs", tmp_path / "archive")
    change = cohort.relocate(tmp_path / "slides", tmp_path / "archive")
    # Still where it was: its row stays right.
    assert (change.changed, change.stayed, change.kept_results) == (1, ("s0",), ("s1",))
    assert "1 left at their old place, where their files are" in str(change)
    assert Cohort.open(cohort.root).slides.column("path").to_pylist() == [
        str(tmp_path / "slides" / "s0.svs"), str(tmp_path / "archive" / "s1.svs")
    ]  # fmt: skip
    with pytest.raises(TableError, match="No slide of the cohort lies at"):
        cohort.relocate(tmp_path / "elsewhere", tmp_path / "slides")


def test_a_place_without_a_file_is_said(cohort: Cohort, tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    shutil.move(tmp_path / "slides" / "s1.svs", tmp_path / "archive")
    (tmp_path / "slides" / "s0.svs").unlink()
    change = cohort.relocate(tmp_path / "slides", tmp_path / "archive")
    assert (change.changed, change.missing, change.kept_results) == (2, ("s0",), ("s1",))


def test_a_folder_that_holds_none_of_the_files_is_refused(cohort: Cohort, tmp_path: Path) -> None:
    before = cohort.slides
    with pytest.raises(TableError, match=r"None of the 2 slides .*slids/s0\.svs.* Nothing was"):
        cohort.relocate(tmp_path / "slides", tmp_path / "archive" / "slids")
    with pytest.raises(TableError, match="None of the 1 slides"):
        cohort.set_slide("s0", path=tmp_path / "typo.svs")
    assert Cohort.open(cohort.root).slides == before


def test_a_mended_spacing_is_work_and_nothing_else(
    cohort: Cohort, small_encoder: SlideEncoder
) -> None:
    cohort.set_slide("s1", mpp=0.3)
    assert encode(cohort, small_encoder) == ["s1"]
    cohort.set_slide("s1", mpp="header")
    assert to_do(cohort, small_encoder) == ["s1"]


def test_one_spacing_for_all_that_have_none(cohort: Cohort) -> None:
    cohort.set_slide("s1", mpp=0.3)
    assert cohort.fill_spacings(0.5).changed == 1
    assert cohort.slides is not None
    assert cohort.slides.column("mpp").to_pylist() == [0.5, 0.3]
    assert cohort.fill_spacings(0.5).changed == 0


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"mpp": 25.0}, "no spacings"),
        ({"patient_id": "z"}, "'z'"),
        ({}, "Nothing was given"),
    ],
)
def test_a_row_that_cannot_be_true_is_refused(
    cohort: Cohort, settings: dict[str, Any], match: str
) -> None:
    with pytest.raises(TableError, match=match):
        cohort.set_slide("s0", **settings)
    with pytest.raises(TableError, match="no slide 's9'"):
        cohort.set_slide("s9", mpp=0.5)


def words_of(path: Path) -> str:
    """All cells and facts of a Parquet file, or the text of another one."""
    if path.suffix != ".parquet":
        return path.read_text()
    table = pq.read_table(path)
    return f"{table.to_pylist()} {table.schema.metadata}"


@pytest.mark.parametrize("compact", [False, True])
def test_a_removed_patient_leaves_nothing_behind(
    cohort: Cohort, small_encoder: SlideEncoder, compact: bool
) -> None:
    if compact:
        cohort.compact()
    change = cohort.remove(patients=["a"])
    assert (change.removed, change.removed_patients) == (1, 1)
    assert cohort.patient_ids == ["b"]
    assert list(cohort.modality("clinical").index) == ["b"]
    assert list(cohort.tables()["slide"].index) == ["b"]
    files = [path for path in cohort.root.rglob("*") if path.is_file()]
    assert not [path for path in files if "s0" in path.name or "s0" in words_of(path)]
    assert cohort.status().counts == {"ok": 1} or sum(cohort.status().counts.values()) == 1


def test_what_is_removed_can_be_added_again(
    cohort: Cohort, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    cohort.remove(slides=["s0"])
    cohort.add_slides(slide_rows(tmp_path, 1))
    assert encode(cohort, small_encoder) == ["s0"]
    with pytest.raises(TableError, match="no patient 'q'"):
        cohort.remove(patients=["q"])


def test_a_cohort_that_grew_exports_as_one_made_at_once(
    cohort: Cohort, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    cohort.add_patients(pd.DataFrame({"patient_id": ["c"], "diagnosis": ["y"]}))
    third = slide_rows(tmp_path, 2, first=2).assign(patient_id=["a", "c"])
    cohort.add_slides(third)
    (tmp_path / "slides").rename(tmp_path / "moved")
    cohort.relocate(tmp_path / "slides", tmp_path / "moved")
    cohort.set_slide("s1", mpp=0.3)
    assert encode(cohort, small_encoder) == ["s1", "s2", "s3"]
    slides = pd.concat([slide_rows(tmp_path, 2).assign(mpp=[None, 0.3]), third])
    slides["path"] = slides["path"].str.replace("/slides/", "/moved/")
    patients = pd.DataFrame({"patient_id": ["a", "b", "c"], "diagnosis": ["x", "y", "y"]})
    once = Cohort.create(tmp_path / "once", patients=patients, slides=slides)
    once.add_modality("clinical", pd.DataFrame({"patient_id": ["a", "b"], "age": [50, 60]}))
    encode(once, small_encoder)
    for level in ("patient", "slide"):
        grown, made = (tmp_path / f"{name}-{level}.parquet" for name in ("grown", "made"))
        cohort.export(grown, level=level)
        once.export(made, level=level)
        assert pq.read_table(grown).equals(pq.read_table(made))


def test_an_outcome_that_is_dropped_stays_away(cohort: Cohort) -> None:
    cohort.drop_outcome("diagnosis")
    cohort.add_patients(pd.DataFrame({"patient_id": ["c"], "diagnosis": ["y"]}))
    assert dict(Cohort.open(cohort.root).manifest.outcomes) == {}
    with pytest.raises(TableError, match="No outcome 'diagnosis'"):
        cohort.drop_outcome("diagnosis")


Change = Callable[[Cohort], object]


@pytest.mark.parametrize(
    "change",
    [
        lambda cohort: cohort.set_slide("s0", path=cohort.root.parent / "slides" / "s3.svs"),
        lambda cohort: cohort.remove(slides=["s0"]),
    ],
)
def test_a_change_that_dies_before_the_tables_goes_on_when_it_is_asked_again(
    cohort: Cohort, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    from msfusion_sdk.cohort.changes import tables

    with monkeypatch.context() as patch:
        patch.setattr(tables, "write_stored", lambda *_, **__: (_ for _ in ()).throw(OSError(28)))
        with pytest.raises(OSError, match="28"):
            change(cohort)
    again = Cohort.open(cohort.root)
    change(again)
    assert again.slides is not None
    assert "s3.svs" in str(again.slides.to_pylist()) or again.slides.num_rows == 1
