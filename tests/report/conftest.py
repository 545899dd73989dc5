"""A cohort with planted failures, and a reader of pages that shares no code with their writer."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from msfusion_sdk import Cohort, SlideEncoder
from msfusion_sdk.cohort.encoding.plan import SlideRow
from msfusion_sdk.cohort.encoding.run import run_encoding
from msfusion_sdk.cohort.workers.worker import Job, encode_task
from msfusion_sdk.tables.paths import path_of
from msfusion_sdk.testing import make_slide

HOSTILE = "<script>alert(1)</script>"


@dataclass
class Page(HTMLParser):
    """What is on a page, as the parser of the standard library sees it."""

    text: str
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._rows: list[list[str]] = []
        self._inside: list[str] = []
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append((tag, found))
        self._inside.append(tag)
        if tag == "table":
            self._rows = self.tables.setdefault(found.get("id", "facts"), [])
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "script" in self._inside or "style" in self._inside:
            return
        self.words.append(data)
        if {"td", "th"} & set(self._inside):
            self._rows[-1][-1] += data.strip()

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def prose(self) -> str:
        return " ".join(" ".join(self.words).split())


def read_page(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def encode_here(cohort: Cohort, encoder: SlideEncoder) -> None:
    """Encode in this process, as a worker does: starting one costs seconds."""
    settings: dict[str, Any] = {"device": None, "patches": True, "threads": 1, "timeout_s": 60.0}
    job = Job(cohort.root, encoder.fingerprint, b"", staging=None, staging_gb=0.0, **settings)
    rows = [SlideRow(r["slide_id"], path_of(r), r["mpp"]) for r in cohort.slides.to_pylist()]
    run_encoding(
        cohort.root,
        rows,
        encoder.fingerprint,
        lambda tasks, stop, show_patches: (encode_task(job, task, encoder) for task in tasks),
        patches=True,
        max_failures=1.0,
    )


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory, small_encoder: SlideEncoder) -> Cohort:
    """Seven slides of six patients, P6 without a slide, P1 and P6 without clinical data.

    Three slides fail: a file that is not there, an empty one, one without spacing, whose id is a
    script.  One is blank.  Three are encoded.
    """
    folder = tmp_path_factory.mktemp("planted")
    for number, name in enumerate(("good", "fine", "well")):
        make_slide(folder / f"{name}.svs", 1280, 1024, coverage=0.6, seed=number)
    make_slide(folder / "blank.svs", 1280, 1024, tissue="none")
    make_slide(folder / "bare.svs", 1280, 1024, coverage=0.6, mpp=None)
    (folder / "zero.svs").write_bytes(b"")
    ids = ["good", "fine", "well", "blank", "gone", "zero", HOSTILE]
    files = ["good", "fine", "well", "blank", "gone", "zero", "bare"]
    slides = {
        "slide_id": ids,
        "patient_id": ["P1", "P1", "P2", "P2", "P3", "P4", "P5"],
        "path": [str(folder / f"{name}.svs") for name in files],
    }
    patients = {
        "patient_id": [f"P{number}" for number in range(1, 7)],
        "time_months": [3.0, 5, 8, 13, 21, 34],
        "event": [1, 0, 1, 0, 1, 1],
    }
    cohort = Cohort.create(
        folder / "lung", patients=pd.DataFrame(patients), slides=pd.DataFrame(slides)
    )
    ages = {"patient_id": ["P2", "P3", "P4", "P5"], "age": [61, 70, 58, 66]}
    cohort.add_modality("clinical", pd.DataFrame(ages))
    encode_here(cohort, small_encoder)
    return cohort
