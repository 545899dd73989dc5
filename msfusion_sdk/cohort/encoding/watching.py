"""How far the runs of a cohort are, from what they write: for whoever looks from elsewhere."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from msfusion_sdk.cohort.encoding.run_report import RunReport
from msfusion_sdk.cohort.folder.view import CohortView
from msfusion_sdk.cohort.store.ledger import Ledger
from msfusion_sdk.cohort.store.status import choose_model, counts_of, models_of, slide_statuses
from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.files import entries_of

__all__ = ["WatchedRun", "Watched", "watch_cohort"]

WINDOW = timedelta(hours=1)
"""Over which the rate of now is counted."""
ALIVE = timedelta(minutes=2)
"""Since its last word, after which a run that did not say that it ended may be dead."""


class WatchedRun(FrozenConfig):
    """One run, and whether it is heard."""

    report: RunReport
    is_heard: bool
    """False for one that goes on by its own word and has not written for two minutes."""


class Watched(FrozenConfig):
    """How far a cohort is encoded, and who works on it."""

    fingerprint: str | None
    """None while no run has begun."""
    total: int
    counts: dict[str, int]
    """Slides by status."""
    failures: dict[str, int]
    """Slides by the code of their failure."""
    last_hour: int
    """Slides that ended in the last hour."""
    eta_s: float | None
    """Until all are done, at the rate of the last hour."""
    runs: tuple[WatchedRun, ...]

    @property
    def is_running(self) -> bool:
        """Whether a run is heard that has not ended."""
        return any(run.is_heard and run.report.state == "running" for run in self.runs)


def watch_cohort(cohort: CohortView, model: str | None = None) -> Watched:
    """Return how far a cohort is; reads what runs write, and no vector.

    Parameters
    ----------
    cohort : Cohort
    model : str, optional
        A name or the first letters of a fingerprint, when several models encode the slides.

    Raises
    ------
    StoreMixedFeaturesError
        When several are meant.
    """
    ids = [] if cohort.slides is None else cohort.slides.column("slide_id").to_pylist()
    if not models_of(cohort.root):
        return Watched(
            fingerprint=None,
            total=len(ids),
            counts=counts_of({}, len(ids)),
            failures={},
            last_hour=0,
            eta_s=None,
            runs=(),
        )
    fingerprint = choose_model(cohort.root, model)
    statuses = slide_statuses(cohort.root, ids, fingerprint)
    failures: dict[str, int] = {}
    for status in statuses.values():
        if not status.is_done:
            failures[status.code] = failures.get(status.code, 0) + 1
    since = datetime.now(UTC) - WINDOW
    noted = Ledger(cohort.root, fingerprint).latest().values()
    ended = [datetime.fromisoformat(status.at) for status in noted if status.at]
    recent = [at for at in ended if at >= since]
    runs = _runs(cohort.root / "ledger" / fingerprint)
    return Watched(
        fingerprint=fingerprint,
        total=len(ids),
        counts=counts_of(statuses, len(ids)),
        failures=dict(sorted(failures.items())),
        last_hour=len(recent),
        eta_s=_eta(recent, len(ids) - len(statuses)),
        runs=runs,
    )


def _eta(recent: list[datetime], left: int) -> float | None:
    if len(recent) < 2 or left <= 0:
        return None
    seconds = (max(recent) - min(recent)).total_seconds()
    return round(left * seconds / (len(recent) - 1), 1) if seconds else None


def _runs(folder: Path) -> tuple[WatchedRun, ...]:
    found = []
    for path in entries_of(folder):
        if not (path.name.startswith("progress") and path.suffix == ".json"):
            continue
        try:
            report = RunReport.model_validate(json.loads(path.read_bytes()))
        except (OSError, ValueError, ValidationError):
            continue  # replaced meanwhile, or of another version: the ledger has the truth
        said = datetime.fromisoformat(report.updated_at)
        is_heard = report.state != "running" or datetime.now(UTC) - said < ALIVE
        found.append(WatchedRun(report=report, is_heard=is_heard))
    return tuple(found)
