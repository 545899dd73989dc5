"""What a cohort lacks: slides without a vector, warnings, patients without a modality."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from msfusion_sdk.cohort.store.remedies import remedy_of
from msfusion_sdk.report.chapters.slide_facts import SlideFacts
from msfusion_sdk.report.html.page_table import PageTable, page_table

__all__ = ["Availability", "failure_table", "patient_table", "warning_table"]

Shorten = Callable[[str], str]
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_EXAMPLES = 5


@dataclass(frozen=True)
class Availability:
    """Who has what."""

    patient_ids: Sequence[str]
    with_slide: Collection[str]
    """Patients with a row in the slide table."""
    tables: Mapping[str, Collection[str]]
    """By modality, the patients who have it; ``slide`` counts vectors, not files."""
    outcomes: Mapping[str, Collection[str]]

    def lack(self, name: str) -> list[str]:
        """Return the patients without a modality."""
        owners = set(self.tables[name])
        return [patient for patient in self.patient_ids if patient not in owners]


def failure_table(slides: Sequence[SlideFacts], command: str, shorten: Shorten) -> PageTable:
    """Return slides that were tried and have no vector: failures first, then empty ones."""
    without = [one for one in slides if one.status is not None and not one.has_vector]
    # Failures can be put right; a slide without tissue most often cannot.
    without.sort(key=lambda one: (one.status_name == "empty", one.status_name))
    rows = [
        (
            one.slide_id,
            one.patient_id,
            one.status_name,
            one.status.code,
            shorten(one.status.reason),
            remedy_of(one.status),
        )
        for one in without
        if one.status is not None
    ]
    columns = ("slide", "patient", "status", "code", "reason", "what to do")
    return page_table("Slides without a vector", columns, rows, command=command, is_stacked=True)


def warning_table(slides: Sequence[SlideFacts], command: str) -> PageTable:
    """Return warnings that differ only in numbers together, the most frequent first."""
    groups: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for one in slides:
        for text in one.warnings:
            groups[_NUMBER.sub("#", text)].append((one.slide_id, text))
    ordered = sorted(groups.values(), key=len, reverse=True)
    rows = [(len(group), group[0][1], _named([slide for slide, _ in group])) for group in ordered]
    columns = ("slides", "warning (of the first)", "which")
    return page_table("Warnings", columns, rows, command=command, is_stacked=True)


def patient_table(
    availability: Availability, slides: Sequence[SlideFacts], command: str
) -> PageTable:
    """Return who has what, those who lack most first."""
    listed: defaultdict[str, int] = defaultdict(int)
    vectors: defaultdict[str, int] = defaultdict(int)
    for one in slides:
        listed[one.patient_id] += 1
        vectors[one.patient_id] += one.has_vector
    owners = {
        name: set(patients) for name, patients in availability.tables.items() if name != "slide"
    }
    owners |= {f"outcome {name}": set(patients) for name, patients in availability.outcomes.items()}

    def lacking(patient: str) -> int:
        return sum(patient not in some for some in owners.values()) + (not vectors[patient])

    rows = [
        (
            patient,
            *([f"{vectors[patient]} of {listed[patient]}"] if slides else []),
            *(patient in some for some in owners.values()),
        )
        for patient in sorted(availability.patient_ids, key=lacking, reverse=True)
    ]
    columns = ("patient", *(["slides with a vector"] if slides else []), *owners)
    return page_table("Patients", columns, rows, command=command)


def _named(names: Sequence[str]) -> str:
    more = len(names) - _EXAMPLES
    return ", ".join(names[:_EXAMPLES]) + (f" and {more:,} more" if more > 0 else "")
