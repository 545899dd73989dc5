"""The page on a cohort: what was planted is said, what is hostile is text, and it stays small."""

import base64
import itertools
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from msfusion_sdk import Cohort, errors
from msfusion_sdk.cohort.store.remedies import REMEDIES
from msfusion_sdk.errors import ReaderCrashedError, SlideError, StoreError, StoreSchemaError
from msfusion_sdk.report.write import write_report

from .conftest import HOSTILE, Page, read_page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(planted: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return read_page(write_report(planted.root, tmp_path_factory.mktemp("page") / "r.html"))


def test_the_three_planted_failures_are_listed_with_code_and_remedy(page: Page) -> None:
    rows = page.tables["chapter-1-failure-table"][1:]
    assert {row[0]: (row[2], row[3]) for row in rows} == {
        "gone": ("failed", "SlideNotFound"),
        "zero": ("failed", "SlideCorrupt"),
        HOSTILE: ("failed", "SlideResolution"),
        "blank": ("empty", "–"),
    }
    assert all(len(row[5]) > 20 for row in rows)


def test_the_first_lines_say_what_is_missing(page: Page) -> None:
    for line in (
        "3 of 7 slides have a vector.",
        "Without a vector: 3 failed, 1 without tissue (empty).",
        "1 of 6 patients have no slide.",
        "Patients with slides and without a vector: 3.",
        "clinical is missing for 2 of 6 patients.",
    ):
        assert line in page.prose
    assert page.prose.index("3 of 7") < page.prose.index("What was run on what")


def test_patients_who_lack_most_come_first(page: Page) -> None:
    head, *rows = page.tables["chapter-1-patient-table"]
    assert head == ["patient", "slides with a vector", "clinical", "outcome survival"]
    assert rows[0] == ["P6", "0 of 0", "–", "yes"]
    assert ["P1", "2 of 2", "–", "yes"] in rows
    assert rows[-1] == ["P2", "1 of 2", "yes", "yes"]


def test_the_model_and_the_settings_are_named(page: Page, planted: Cohort) -> None:
    facts = dict(row for row in page.tables["facts"] if len(row) == 2)
    assert facts["fingerprint"] == planted.status().fingerprint
    assert facts["settings"].startswith("patches of 64 px at 0.25 µm/px (16 µm)")
    assert "cpu, fp32 (4 slides)" in facts["encoded on"]


def test_an_id_that_is_a_script_is_text(page: Page) -> None:
    assert len(page.all("script")) == 1, "only the page's own"
    assert HOSTILE in page.prose
    assert HOSTILE not in page.text


def test_the_page_loads_nothing(page: Page) -> None:
    links = [
        value for _, found in page.tags for name, value in found.items() if name in ("src", "href")
    ]
    assert all(value.startswith(("data:", "#")) for value in links)
    (policy,) = [meta for meta in page.all("meta") if "http-equiv" in meta]
    assert policy["content"].startswith("default-src 'none'; img-src data:")
    assert not [found for _, found in page.tags if "style" in found or "onclick" in found]


def test_every_picture_has_words_and_is_small(page: Page) -> None:
    pictures = page.all("img")
    # Completeness, then an overlay and a contact sheet of each encoded slide.
    assert len(pictures) == 1 + 2 * 3
    assert all(len(picture["alt"]) > 20 for picture in pictures)
    for picture in pictures:
        assert len(base64.b64decode(picture["src"].split(",")[1])) < 500_000


def test_the_page_can_be_read_by_machines_that_read_aloud(page: Page) -> None:
    assert page.all("html") == [{"lang": "en"}]
    assert all("scope" in head for head in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    ids = [found["id"] for _, found in page.tags if "id" in found]
    assert len(ids) == len(set(ids))


def test_the_page_names_no_folder_of_this_machine(page: Page, planted: Cohort) -> None:
    assert str(planted.root.parent) not in page.text
    assert "zero.svs holds 0 bytes" in page.prose


def test_every_error_of_a_slide_has_a_remedy() -> None:
    classes = [
        c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, SlideError)
    ]
    codes = {c.__name__.removesuffix("Error") for c in classes if c is not SlideError}
    assert ReaderCrashedError in classes
    assert codes <= set(REMEDIES)


def test_slides_that_are_gone_or_changed_are_named_and_not_drawn(
    planted: Cohort, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(planted.root.parent, copy)
    table = planted.slides.to_pandas()
    table["path"] = [str(copy / Path(path).name) for path in table["path"]]
    moved = Cohort.create(tmp_path / "moved", patients=planted.patients, slides=table)
    for folder in ("embeddings", "patches", "ledger"):
        shutil.copytree(planted.root / folder, moved.root / folder)
    (copy / "good.svs").unlink()
    with (copy / "fine.svs").open("ab") as file:
        file.write(b"0")
    page = read_page(write_report(moved.root, tmp_path / "r.html"))
    assert "good: good.svs does not exist" in page.prose
    assert "fine: fine.svs is not the file that was encoded" in page.prose
    assert "1 of 3 encoded slides" in page.prose


def test_without_patch_rows_the_tissue_is_drawn_and_the_way_is_named(
    planted: Cohort, tmp_path: Path
) -> None:
    shutil.copytree(planted.root, tmp_path / "lung", ignore=shutil.ignore_patterns("patches"))
    page = read_page(write_report(tmp_path / "lung", tmp_path / "r.html"))
    assert len(page.all("img")) == 1 + 3
    assert page.prose.count("msfusion cohort encode --patches") == 3


def test_ten_thousand_slides_make_a_small_page_that_says_what_it_leaves_out(
    tmp_path: Path,
) -> None:
    ids = [f"S{number:05d}" for number in range(10_000)]
    slides = pd.DataFrame({"slide_id": ids, "patient_id": ids, "path": [f"{i}.svs" for i in ids]})
    Cohort.create(tmp_path / "many", patients=slides[["patient_id"]], slides=slides)
    path = write_report(tmp_path / "many", tmp_path / "r.html")
    page = read_page(path)
    assert path.stat().st_size < 500_000
    assert len(page.tables["chapter-1-slide-table"]) == 1 + 200
    assert "Slides: the first 200 of 10,000" in page.prose
    assert "9,800 more rows are not shown" in page.prose
    assert "msfusion cohort export many slides.parquet --level slide" in page.prose


def test_a_cohort_of_tables_alone_says_so(tmp_path: Path) -> None:
    patients = pd.DataFrame({"patient_id": ["A", "B"], "diagnosis": ["luad", "lusc"]})
    Cohort.create(tmp_path / "tables", patients=patients)
    page = read_page(write_report(tmp_path / "tables", tmp_path / "r.html", notice="Made up."))
    assert "The cohort has no slides." in page.prose
    assert "Made up." in page.prose
    assert "chapter-1-slide-table" not in page.tables


def test_a_folder_that_is_nothing_of_ours_is_an_error_that_says_what_to_pass(
    tmp_path: Path,
) -> None:
    with pytest.raises(StoreSchemaError, match="Pass a cohort"):
        write_report(tmp_path, tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()


def test_a_folder_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"There is no folder .*nowhere"):
        write_report(tmp_path / "nowhere", tmp_path / "r.html")
