"""Where every slide of a cohort stands, without opening a single part that is known to be good."""

from collections import Counter
from pathlib import Path

from msfusion_sdk.cohort.folder.view import CohortView
from msfusion_sdk.cohort.store.ledger import Ledger, SlideStatus, status_of
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.errors import StoreError, StoreMixedFeaturesError

__all__ = ["CohortStatus", "choose_model", "cohort_status", "models_of", "slide_statuses"]

NOT_ENCODED = "not_encoded"


class CohortStatus(FrozenConfig):
    """What a cohort holds, and how far it is encoded."""

    patients: int
    slides: int
    modalities: dict[str, int]
    """Patients that have each modality."""
    models: tuple[str, ...]
    """Fingerprints with which slides have been encoded."""
    fingerprint: str | None
    """The one that the counts below are of; None when no slide is encoded."""
    counts: dict[str, int]
    """Slides by status."""
    failures: tuple[SlideStatus, ...]
    """Slides that were tried and have no vector."""


def cohort_status(cohort: CohortView, model: str | None) -> CohortStatus:
    """Return the status of a cohort; the arguments are those of ``Cohort.status``."""
    models = models_of(cohort.root)
    fingerprint = choose_model(cohort.root, model) if models or model else None
    ids = [] if cohort.slides is None else cohort.slides.column("slide_id").to_pylist()
    statuses = slide_statuses(cohort.root, ids, fingerprint) if fingerprint else {}
    return CohortStatus(
        patients=len(cohort.patient_ids),
        slides=len(ids),
        modalities=dict(cohort.report().modalities),
        models=models,
        fingerprint=fingerprint,
        counts=counts_of(statuses, len(ids)),
        failures=tuple(statuses[name] for name in ids if is_failure(statuses.get(name))),
    )


def is_failure(status: SlideStatus | None) -> bool:
    """Return whether a slide was tried and has no vector."""
    return status is not None and not status.is_done


def models_of(root: Path) -> tuple[str, ...]:
    """Return the fingerprints with which slides of a cohort have been encoded, sorted."""
    return tuple(sorted(path.name for path in (root / "embeddings").glob("*") if path.is_dir()))


def choose_model(root: Path, model: str | None) -> str:
    """Return the fingerprint that ``model`` means: its beginning, or None for the only one.

    Raises
    ------
    StoreError
        When nothing is encoded, or nothing by this model.
    StoreMixedFeaturesError
        When several are meant.
    """
    known = models_of(root)
    if not known:
        msg = f"No slide of {root} is encoded yet. Run encode first."
        raise StoreError(msg)
    meant = [name for name in known if name.startswith(model or "")]
    if len(meant) == 1:
        return meant[0]
    listed = ", ".join(name[:12] for name in known)
    if not meant:
        msg = f"No slide of {root} is encoded by model {model!r} (known: {listed})."
        raise StoreError(msg)
    msg = (
        f"Slides of {root} are encoded by {len(meant)} models, whose vectors cannot be mixed: "
        f"{listed}. Say which by model='<the first letters of its fingerprint>'."
    )
    raise StoreMixedFeaturesError(msg)


def slide_statuses(root: Path, slide_ids: list[str], fingerprint: str) -> dict[str, SlideStatus]:
    """Return the status of every slide that was ever tried with a model.

    A part that is there counts as done even if the run that wrote it was killed before it
    could say so.
    """
    store, noted = EmbeddingStore(root, fingerprint), Ledger(root, fingerprint).latest()
    there = store.existing(slide_ids)
    silent = [name for name in there if name not in noted or not noted[name].is_done]
    done = {name: status_of(part) for name, part in store.load(silent).items()} if silent else {}
    done |= {name: noted[name] for name in there if name in noted and noted[name].is_done}
    # Noted as done and without a part: it was damaged or outdated, and is set aside.
    failed = {name: noted[name] for name in slide_ids if name in noted and not noted[name].is_done}
    return failed | done


def counts_of(statuses: dict[str, SlideStatus], total: int) -> dict[str, int]:
    """Return the number of slides by status, those never tried included."""
    counts = Counter(status.status for status in statuses.values())
    left = total - len(statuses)
    return dict(sorted(counts.items())) | ({NOT_ENCODED: left} if left else {})
