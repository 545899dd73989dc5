"""A cohort as a chapter: what it lacks first, then what was run on it, then its slides."""

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from warnings import catch_warnings, simplefilter

from msfusion_sdk.cohort.cohort import Cohort
from msfusion_sdk.cohort.intake.contents import count_patterns
from msfusion_sdk.cohort.outcomes_of import OutcomeWarning
from msfusion_sdk.cohort.store.status import choose_model, models_of
from msfusion_sdk.figures.completeness import draw_completeness
from msfusion_sdk.figures.style import DPI
from msfusion_sdk.report.chapters.gaps import (
    Availability,
    failure_table,
    patient_table,
    warning_table,
)
from msfusion_sdk.report.chapters.provenance_table import provenance_table, summary_of
from msfusion_sdk.report.chapters.slide_facts import SlideFacts, read_slide_facts
from msfusion_sdk.report.chapters.slide_pictures import SlidePictures, draw_slides
from msfusion_sdk.report.html.page_table import PageTable, number, page_table
from msfusion_sdk.report.html.render import chart_uri
from msfusion_sdk.tables.paths import path_of

__all__ = ["CohortChapter", "cohort_chapter"]


@dataclass(frozen=True)
class CohortChapter:
    """What the template ``cohort.html`` shows."""

    title: str
    verdicts: tuple[tuple[str, bool], ...]
    """What is there and what is not; True is good news."""
    tiles: tuple[tuple[str, str], ...]
    """Numbers and what they count."""
    summary: str
    """What has encoded the slides and when, in a line."""
    failures: PageTable
    warnings: PageTable
    findings: tuple[str, ...]
    """What was remarked when the tables were checked."""
    provenance: PageTable
    completeness: str
    """A picture as data URI."""
    completeness_text: str
    pictures: SlidePictures
    slides: PageTable
    patients: PageTable
    template: str = "cohort.html"


def cohort_chapter(folder: Path, model: str | None) -> CohortChapter:
    """Return the chapter on the cohort in ``folder``.

    Parameters
    ----------
    model : str, optional
        The first letters of a fingerprint, when several models have encoded the slides.
    """
    cohort = Cohort.open(folder)
    fingerprint = choose_model(folder, model) if models_of(folder) or model else None
    slides, encoding = read_slide_facts(cohort, fingerprint)
    availability = _availability(cohort, slides)
    name = shlex.quote(folder.resolve().name)
    chosen = f" --model {fingerprint[:12]}" if fingerprint and len(models_of(folder)) > 1 else ""
    status = f"msfusion cohort status {name}{chosen}"
    shorten = _shorten(cohort)
    patterns = count_patterns(availability.patient_ids, availability.tables)
    return CohortChapter(
        title=f"Cohort “{folder.resolve().name}”",
        verdicts=_verdicts(availability, slides),
        tiles=_tiles(availability, slides),
        summary=summary_of(encoding) if slides else "The cohort has no slides.",
        failures=failure_table(slides, f"{status} --json", shorten),
        warnings=warning_table(slides, f"cat {name}/ledger/{fingerprint}/*.jsonl"),
        findings=tuple(shorten(finding.message) for finding in cohort.report().findings),
        provenance=provenance_table(
            cohort, encoding, f"{status}  # and the metadata of {name}/embeddings/*/*.parquet"
        ),
        completeness=chart_uri(draw_completeness(patterns), dpi=DPI),
        completeness_text=_spoken(availability),
        pictures=draw_slides(cohort, slides, fingerprint),
        slides=_slide_table(slides, _export(name, "slides.parquet", "slide", chosen)),
        patients=patient_table(
            availability, slides, _export(name, "patients.parquet", "patient", chosen)
        ),
    )


def _export(name: str, file: str, level: str, chosen: str) -> str:
    return f"msfusion cohort export {name} {file} --level {level}{chosen}"


def _availability(cohort: Cohort, slides: Sequence[SlideFacts]) -> Availability:
    with catch_warnings():
        # They are among the findings, which the page shows.
        simplefilter("ignore", OutcomeWarning)
        labels = {name: cohort.outcome(name).index for name in cohort.manifest.outcomes}
    tables = {name: cohort.modality(name).index for name in cohort.modalities}
    encoded = [one.patient_id for one in slides if one.has_vector]
    return Availability(
        patient_ids=cohort.patient_ids,
        with_slide={one.patient_id for one in slides},
        tables={
            **({"slide": encoded} if slides else {}),
            **{name: list(index) for name, index in tables.items()},
        },
        outcomes={name: list(index) for name, index in labels.items()},
    )


def _verdicts(
    availability: Availability, slides: Sequence[SlideFacts]
) -> tuple[tuple[str, bool], ...]:
    patients = len(availability.patient_ids)
    found = _slide_verdicts(availability, slides) if slides else []
    for name in availability.tables:
        if name != "slide" and (lacking := len(availability.lack(name))):
            found.append((f"{name} is missing for {lacking:,} of {patients:,} patients.", False))
    return tuple(found)


def _slide_verdicts(
    availability: Availability, slides: Sequence[SlideFacts]
) -> list[tuple[str, bool]]:
    total, vectors = len(slides), sum(one.has_vector for one in slides)
    found = [(f"{vectors:,} of {total:,} slides have a vector.", vectors == total)]
    counts = Counter(one.status_name for one in slides if not one.has_vector)
    if counts:
        listed = ", ".join(f"{n:,} {_spoken_status(status)}" for status, n in counts.most_common())
        found.append((f"Without a vector: {listed}.", False))
    patients = len(availability.patient_ids)
    without = sum(patient not in availability.with_slide for patient in availability.patient_ids)
    lost = len(availability.lack("slide")) - without
    if without:
        found.append((f"{without:,} of {patients:,} patients have no slide.", False))
    if lost:
        found.append((f"Patients with slides and without a vector: {lost:,}.", False))
    return found


def _spoken_status(status: str) -> str:
    return {"empty": "without tissue (empty)", "not_encoded": "not tried yet"}.get(status, status)


def _tiles(availability: Availability, slides: Sequence[SlideFacts]) -> tuple[tuple[str, str], ...]:
    complete = set(availability.patient_ids).intersection(*map(set, availability.tables.values()))
    vectors = sum(one.has_vector for one in slides)
    patches = sum(one.n_patches for one in slides)
    of_slides = [
        (f"{vectors:,} / {len(slides):,}", "slides with a vector"),
        (f"{patches:,}", "patches"),
    ]
    return (
        (f"{len(availability.patient_ids):,}", "patients"),
        *(of_slides if slides else []),
        (f"{len(complete):,}", "patients with every modality"),
    )


def _spoken(availability: Availability) -> str:
    patients = len(availability.patient_ids)
    parts = [
        f"{patients - len(availability.lack(name)):,} have {name}" for name in availability.tables
    ]
    return f"Of {patients:,} patients {', '.join(parts)}."


def _slide_table(slides: Sequence[SlideFacts], command: str) -> PageTable:
    rows = [
        (
            one.slide_id,
            one.patient_id,
            one.status_name,
            one.n_patches,
            number(one.tissue_area_mm2, 2),
            number(one.tissue_recall, 2),
            len(one.warnings),
        )
        for one in slides
    ]
    columns = (
        "slide",
        "patient",
        "status",
        "patches",
        "tissue (mm²)",
        "tissue recall (0 to 1)",
        "warnings",
    )
    return page_table("Slides", columns, rows, command=command)


def _shorten(cohort: Cohort) -> "_Shorten":
    rows = [] if cohort.slides is None else cohort.slides.to_pylist()
    folders = {str(path_of(row).parent) for row in rows} | {str(cohort.root.resolve())}
    return _Shorten(folders)


class _Shorten:
    """Leaves folders out of messages: a page that is handed on should not name them."""

    def __init__(self, folders: set[str]) -> None:
        # The longest first: one may lie in another.
        self.prefixes = [f"{folder}/" for folder in sorted(folders, key=len, reverse=True)]

    def __call__(self, text: str) -> str:
        for prefix in self.prefixes:
            text = text.replace(prefix, "")
        return text
