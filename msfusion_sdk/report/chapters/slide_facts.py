"""What is stored about every slide of a cohort, and what has encoded them."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from msfusion_sdk.cohort.cohort import Cohort
from msfusion_sdk.cohort.store.ledger import SlideStatus
from msfusion_sdk.cohort.store.part import Part
from msfusion_sdk.cohort.store.status import slide_statuses
from msfusion_sdk.cohort.store.vectors import VerifiedParts

__all__ = ["Encoding", "SlideFacts", "read_slide_facts"]

_AT_ONCE = 512


@dataclass(frozen=True)
class SlideFacts:
    """One slide."""

    slide_id: str
    patient_id: str
    status: SlideStatus | None
    """None when it was never tried."""
    has_vector: bool = False
    n_patches: int = 0
    tissue_area_mm2: float | None = None
    tissue_recall: float | None = None
    warnings: tuple[str, ...] = ()

    @property
    def status_name(self) -> str:
        """The status, or that there is none."""
        return "not_encoded" if self.status is None else self.status.status


@dataclass
class Encoding:
    """What has encoded the slides: the same model, perhaps on several machines."""

    fingerprint: str
    model: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    runtimes: Counter[str] = field(default_factory=Counter)
    """Slides by device and precision."""
    versions: dict[str, set[str]] = field(default_factory=dict)
    first: str = ""
    last: str = ""
    """When the first and the last slide ended, UTC."""

    def add(self, provenance: dict[str, Any]) -> None:
        """Take note of where one vector is from; imported features say less."""
        self.model, self.config = provenance["model"], provenance["config"]
        runtime = provenance.get("runtime", {})
        if runtime:
            self.runtimes[f"{runtime['device']}, {runtime['precision']}"] += 1
        for name, version in runtime.get("versions", {}).items():
            self.versions.setdefault(name, set()).add(version)


def read_slide_facts(
    cohort: Cohort, fingerprint: str | None
) -> tuple[list[SlideFacts], Encoding | None]:
    """Return every slide in the order of the slide table, and what has encoded them.

    Parameters
    ----------
    fingerprint : str or None
        Of the model; None when no slide is encoded.
    """
    table = cohort.slides
    columns = ["slide_id", "patient_id"]
    rows = [] if table is None else table.select(columns).to_pylist()
    ids = [row["slide_id"] for row in rows]
    if fingerprint is None:
        return [SlideFacts(row["slide_id"], row["patient_id"], None) for row in rows], None
    statuses = slide_statuses(cohort.root, ids, fingerprint)
    ends = sorted(status.at for status in statuses.values() if status.at)
    encoding = Encoding(fingerprint, first=ends[0] if ends else "", last=ends[-1] if ends else "")
    verified, facts = VerifiedParts(cohort.root, fingerprint), []
    # A few at a time: vectors and headers of ten thousand slides would fill the memory.
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        parts = verified.load([row["slide_id"] for row in some])
        for row in some:
            name = row["slide_id"]
            facts.append(_facts(name, row["patient_id"], statuses.get(name), parts.get(name)))
            if name in parts:
                encoding.add(parts[name].provenance)
    return facts, encoding


def _facts(
    slide_id: str, patient_id: str, status: SlideStatus | None, part: Part | None
) -> SlideFacts:
    if part is None:
        return SlideFacts(slide_id, patient_id, status)
    return SlideFacts(
        slide_id,
        patient_id,
        status,
        has_vector=part.vector is not None,
        n_patches=part.n_patches,
        # Of features that were made elsewhere it is not known, and stands as 0 in their parts.
        tissue_area_mm2=part.tissue_area_mm2 if "runtime" in part.provenance else None,
        tissue_recall=part.tissue_recall,
        warnings=tuple(part.provenance.get("warnings", ())),
    )
