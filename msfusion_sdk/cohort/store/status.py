"""Where every slide of a cohort stands, without opening a single part that is known to be good."""

from collections import Counter
from pathlib import Path

from msfusion_sdk.cohort.features.attached import (
    Attached,
    attached_fingerprints,
    attached_rows,
)
from msfusion_sdk.cohort.folder.view import CohortView
from msfusion_sdk.cohort.store.archives import read_archives
from msfusion_sdk.cohort.store.holdings import find_existing, load, look_at
from msfusion_sdk.cohort.store.ledger import Ledger, SlideStatus, Status, status_of
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.errors import StoreAbsentError, StoreMixedFeaturesError
from msfusion_sdk.files import entries_of

__all__ = [
    "CohortStatus",
    "choose_model",
    "cohort_status",
    "model_names",
    "models_of",
    "slide_statuses",
]

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
    model_names: dict[str, str]
    """What each model is called, by its fingerprint."""
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
        model_names=model_names(cohort.root),
        counts=counts_of(statuses, len(ids)),
        failures=tuple(statuses[name] for name in ids if is_failure(statuses.get(name))),
    )


def is_failure(status: SlideStatus | None) -> bool:
    """Return whether a slide was tried and has no vector."""
    return status is not None and not status.is_done


def models_of(root: Path) -> tuple[str, ...]:
    """Return the fingerprints of models whose vectors, or features, slides have, sorted."""
    encoded = {path.name for path in entries_of(root / "embeddings") if path.is_dir()}
    return tuple(sorted(encoded | attached_fingerprints(root)))


def model_names(root: Path) -> dict[str, str]:
    """Return what each model of a cohort is called, by its fingerprint; '' where nobody says."""
    return {fingerprint: _name_of(root, fingerprint) for fingerprint in models_of(root)}


def _name_of(root: Path, fingerprint: str) -> str:
    _, notes = attached_rows(root, fingerprint)
    if notes:
        return str(notes["name"])
    folder = EmbeddingStore(root, fingerprint).folder
    # Any part will do: a folder holds those of one model.
    for path in [one for one in entries_of(folder) if one.match("slide=*.parquet")][:1]:
        part, _ = look_at(path)
        if part is not None:
            return str(part.provenance["model"]["name"])
    archived = read_archives(folder).parts if folder.is_dir() else {}
    first = next((part for parts in archived.values() for part in parts), None)
    return "" if first is None else str(first.provenance["model"]["name"])


def choose_model(root: Path, model: str | None) -> str:
    """Return the fingerprint that ``model`` means: a name, a beginning, or None for the only one.

    Raises
    ------
    StoreAbsentError
        When nothing is encoded, or nothing by this model.
    StoreMixedFeaturesError
        When several are meant.
    """
    known = models_of(root)
    if not known:
        msg = f"No slide of {root} is encoded yet. Run msfusion cohort encode first."
        raise StoreAbsentError(msg)
    if model is None and len(known) == 1:
        return known[0]
    names = model_names(root)
    meant = [found for found in known if found.startswith(model or "")]
    # A whole name counts before the beginning of a fingerprint.
    meant = [found for found in known if names[found] == model] or meant
    if len(meant) == 1:
        return meant[0]
    listed = ", ".join(f"{names[found]} {found[:12]}".strip() for found in known)
    if not meant:
        msg = (
            f"No slide of {root} is encoded by model {model!r} (known: {listed}). Name one of "
            "these by model= (--model), or encode by it first."
        )
        raise StoreAbsentError(msg)
    msg = (
        f"Slides of {root} are encoded by {len(meant)} models, whose vectors cannot be mixed: "
        f"{listed}. Say which by model= (--model): its name, or the first letters of its "
        "fingerprint."
    )
    raise StoreMixedFeaturesError(msg)


def slide_statuses(root: Path, slide_ids: list[str], fingerprint: str) -> dict[str, SlideStatus]:
    """Return the status of every slide that was ever tried with a model.

    A part that is there counts as done even if the run that wrote it was killed before it
    could say so.  A slide that is noted as done and has no part is one whose result is lost.
    """
    attached, _ = attached_rows(root, fingerprint)
    if attached:
        return _attached_statuses(root, slide_ids, fingerprint, attached)
    folder = EmbeddingStore(root, fingerprint).folder
    noted = Ledger(root, fingerprint).latest()
    there, archives = find_existing(folder, slide_ids)
    # Only these are opened: of a slide noted as done it is enough that its part is there.
    silent = [name for name in there if name not in noted or not noted[name].is_done]
    held = load(folder, silent) if silent else None
    done = {name: status_of(part) for name, part in held.parts.items()} if held else {}
    lost = {name: str(error) for name, error in held.faults.items()} if held else {}
    done |= {name: noted[name] for name in there if name in noted and noted[name].is_done}
    gone = " ".join(map(str, archives.values())) or "It is no longer there."
    for name in set(slide_ids) - set(there):
        # An archive that cannot be read may have held any slide that nothing is known of.
        if noted[name].is_done if name in noted else archives:
            lost[name] = gone
    failed = {name: noted[name] for name in slide_ids if name in noted and not noted[name].is_done}
    # In this order: a part that is there counts more than what any run has noted.
    return failed | {name: _lost(name, why) for name, why in lost.items()} | done


def _attached_statuses(
    root: Path, slide_ids: list[str], fingerprint: str, attached: dict[str, Attached]
) -> dict[str, SlideStatus]:
    """Return the status of slides with features of another program, none of which is read."""
    noted = Ledger(root, fingerprint).latest()
    found = {}
    for slide_id in slide_ids:
        if slide_id in attached:
            count = attached[slide_id].file.n_patches
            status: Status = "ok" if count else "empty"
            reason = "" if count else "its file of features holds no patch"
            found[slide_id] = SlideStatus(
                slide_id=slide_id, status=status, reason=reason, n_patches=count
            )
        elif slide_id in noted and not noted[slide_id].is_done:
            found[slide_id] = noted[slide_id]
    return found


def _lost(slide_id: str, why: str) -> SlideStatus:
    """Return the status of a slide whose result cannot be used."""
    return SlideStatus(
        slide_id=slide_id,
        status="failed",
        code="StoreCorrupt",
        reason=f"Its result cannot be used. {why} Encode the cohort again.",
        retryable=True,
    )


def counts_of(statuses: dict[str, SlideStatus], total: int) -> dict[str, int]:
    """Return the number of slides by status, those never tried included."""
    counts = Counter(status.status for status in statuses.values())
    left = total - len(statuses)
    return dict(sorted(counts.items())) | ({NOT_ENCODED: left} if left else {})
