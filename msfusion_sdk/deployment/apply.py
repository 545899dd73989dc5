"""New slides and tables to predictions: encoded in workers, predicted together.

Slide vectors lie in a working folder until predictions are written, so a run that is killed goes
on where it was.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from msfusion_sdk.bags.bag import PATCHES
from msfusion_sdk.cohort.encoding.encode import encode_slides
from msfusion_sdk.cohort.encoding.plan import SlideRow
from msfusion_sdk.cohort.encoding.showing import RunProgressLike, shown_run
from msfusion_sdk.cohort.export.bags import patient_bags
from msfusion_sdk.cohort.store.ledger import SlideStatus
from msfusion_sdk.cohort.store.vectors import load_parts, patient_vectors
from msfusion_sdk.cohort.workers.settings import RunSettings
from msfusion_sdk.deployment.applied import Applied, with_reasons
from msfusion_sdk.deployment.new_slides import (
    NewSlide,
    SlideSource,
    read_new_slides,
    read_new_tables,
)
from msfusion_sdk.errors import MissingModalityError, TableError
from msfusion_sdk.evaluation.crossfit.inputs import rows_of
from msfusion_sdk.files import made_folder
from msfusion_sdk.shift.compare import find_shifts
from msfusion_sdk.study.models import find_tables, warn_of_seen
from msfusion_sdk.study.tables import SLIDE, patients_of
from msfusion_sdk.study.trained_model import TrainedModel
from msfusion_sdk.tables.paths import place_of

if TYPE_CHECKING:
    from msfusion_sdk.cohort.cohort import Cohort
    from msfusion_sdk.encoder.slide_encoder import SlideEncoder
    from msfusion_sdk.tables.arrow import TableSource

__all__ = ["apply_to_cohort", "apply_to_slides"]


def apply_to_slides(
    model: TrainedModel,
    slides: SlideSource,
    work: str | Path,
    *,
    tables: "Mapping[str, TableSource] | None" = None,
    times: Sequence[float] = (),
    mpp: float | None = None,
    encoder: "SlideEncoder | None" = None,
    settings: RunSettings | None = None,
    progress: RunProgressLike = None,
) -> Applied:
    """Return what a model predicts from slide files and tables.

    Parameters
    ----------
    model : TrainedModel
    slides : sequence of paths, or a table
        See :func:`~msfusion_sdk.deployment.new_slides.read_new_slides`.  Without any, the tables
        alone are used.
    work : path
        Folder for the slide vectors; what lies there from an earlier run is not encoded again.
    tables : mapping of name to path or table, optional
        Other modalities of training, a row per patient_id.
    times : sequence of float
        For survival: horizons, ascending, in the unit of training.
    mpp : float, optional
        µm per pixel of slides that have none in the table; wins over the header.
    encoder : SlideEncoder, optional
        The one that encoded the slides of training; that of the model's folder by default.
    settings : RunSettings, optional
        Workers, deadlines and staging.
    progress : callable, optional
        As in ``Cohort.encode``.

    Raises
    ------
    TableError
        When slides or tables cannot be used, or a table is none of training.
    ModelIdError
        When there are slides, and the model has no encoder.
    StoreMixedFeaturesError
        When ``encoder`` is another one than that of training.
    MissingModalityError
        When nobody has anything that the model takes.
    """
    _require_tables_of(model, tables or {})
    given = read_new_tables(tables or {})
    new = read_new_slides(slides, mpp=mpp) if _has_some(slides) else []
    statuses: tuple[SlideStatus, ...] = ()
    if new:
        _require_slides_wanted(model)
        encoder = encoder or model.encoder()
        # Before anything is encoded: vectors of another encoder would be predicted from all the
        # same.
        model.require_encoder(encoder)
        chosen = _settings(model, settings)
        rows = [slide.row for slide in new]
        with shown_run(progress) as show:
            run = encode_slides(made_folder(Path(work)), rows, encoder, chosen, show)
        statuses = run.statuses
        given |= _slide_tables(new, Path(work), encoder.fingerprint, model)
    owners = [slide.patient_id for slide in new]
    patients = dict.fromkeys([*owners, *(i for t in given.values() for i in t.index)])
    return _applied(model, given, list(patients), new, statuses, times)


def apply_to_cohort(
    model: TrainedModel,
    cohort: "Cohort",
    *,
    tables: "Mapping[str, TableSource] | None" = None,
    times: Sequence[float] = (),
    encoder: "SlideEncoder | None" = None,
    settings: RunSettings | None = None,
    progress: RunProgressLike = None,
) -> Applied:
    """Return what a model predicts for every patient of a cohort.

    Slides that the model's encoder has not encoded yet are encoded first, into the cohort; without
    an encoder those that are encoded are used.

    Parameters
    ----------
    model : TrainedModel
    cohort : Cohort
    tables : mapping of name to path or table, optional
        In place of the cohort's own of that name.
    times, encoder, settings, progress
        As in :func:`apply_to_slides`.

    Raises
    ------
    TableError, MissingModalityError, StoreMixedFeaturesError
        As :func:`apply_to_slides` does.
    """
    _require_tables_of(model, tables or {})
    given = read_new_tables(tables or {})
    statuses: tuple[SlideStatus, ...] = ()
    slides: list[NewSlide] = []
    # A model of tables alone must not set off hours of encoding.
    if _takes_slides(model) and cohort.slides is not None:
        encoder = encoder or (model.encoder() if model.has_encoder else None)
        rows = cohort.slides.to_pylist()
        slides = [
            NewSlide(row["patient_id"], SlideRow(row["slide_id"], place_of(row), row["mpp"]))
            for row in rows
        ]
        if encoder is not None:
            model.require_encoder(encoder)
            chosen = _settings(model, settings).model_dump()
            statuses = cohort.encode(encoder, progress=progress, **chosen).statuses
    # What is given is not looked for: the cohort may lack it, or hold an older one.
    found = find_tables(cohort, model.record, without=tuple(given)) | given
    unknown = {i for t in given.values() for i in t.index} - set(cohort.patient_ids)
    if unknown:
        msg = (
            f"{len(unknown)} patients of the tables given are not in {cohort.root} (first: "
            f"{', '.join(sorted(unknown)[:3])}). Leave them out, or add them to the cohort."
        )
        raise TableError(msg)
    return _applied(model, found, cohort.patient_ids, slides, statuses, times)


def _applied(
    model: TrainedModel,
    tables: dict[str, pd.DataFrame],
    patient_ids: list[str],
    slides: Sequence[NewSlide],
    statuses: tuple[SlideStatus, ...],
    times: Sequence[float],
) -> Applied:
    having = patients_of(tables)
    # Without patients who have no value at all: an estimator refuses them.
    used = {name: table for name, table in rows_of(tables, having).items() if len(table)}
    if not used:
        raise MissingModalityError(_nothing(model, statuses))
    predicted = model.predict(used, times=times)
    warn_of_seen(having.intersection(model.estimator.training_ids_), len(having))
    described = {name: table for name, table in used.items() if name != PATCHES}
    shifts = [] if model.profile is None else find_shifts(model.profile, described)
    counts = tables[SLIDE].attrs.get("n_slides", {}) if SLIDE in tables else {}
    owners = {slide.row.slide_id: slide.patient_id for slide in slides}
    reasons = _reasons(patient_ids, having, owners, statuses)
    return Applied(
        record=model.record,
        predictions=with_reasons(predicted, patient_ids, counts, reasons),
        slides=statuses,
        warnings=tuple(f"{shift.table}: {shift.text}." for shift in shifts),
        paths={slide.row.slide_id: slide.row.path for slide in slides},
    )


def _reasons(
    patient_ids: Sequence[str],
    having: set[str],
    owners: Mapping[str, str],
    statuses: Sequence[SlideStatus],
) -> dict[str, str]:
    """Return why a patient has no prediction, and which of their slides are not in one."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for status in statuses:
        if status.status == "empty" or not status.is_done:
            code = f"[{status.code}] " if status.code else ""
            reasons[owners[status.slide_id]].append(f"{status.slide_id}: {code}{status.reason}")
    for patient in patient_ids:
        if patient not in having and patient not in reasons:
            reasons[patient].append("has no value in any table that the model learned from")
    return {patient: "; ".join(texts) for patient, texts in reasons.items()}


def _slide_tables(
    new: Sequence[NewSlide], work: Path, fingerprint: str, model: TrainedModel
) -> dict[str, pd.DataFrame]:
    """Return the tables ``slide`` and ``patches``, as far as the model takes them.

    Nothing when no slide has a vector.
    """
    rows = [(slide.row.slide_id, slide.patient_id) for slide in new]
    frame = pd.DataFrame(rows, columns=["slide_id", "patient_id"])
    parts = load_parts(work, list(frame["slide_id"]), fingerprint)
    # Also when there are none: a table of no vectors has no length.
    if all(part.vector is None for part in parts.values()):
        return {}
    found = {}
    if SLIDE in model.record.modalities:
        found[SLIDE] = patient_vectors(frame, parts, model.record.slides)
    if PATCHES in model.record.modalities:
        found[PATCHES] = patient_bags(work, frame, fingerprint)
    return found


def _takes_slides(model: TrainedModel) -> bool:
    return bool({SLIDE, PATCHES}.intersection(model.record.modalities))


def _settings(model: TrainedModel, given: RunSettings | None) -> RunSettings:
    """Return how slides are encoded: with their patches, where the model looks at them."""
    settings = given or RunSettings()
    needed = settings.patches or PATCHES in model.record.modalities
    return settings.model_copy(update={"patches": needed})


def _has_some(slides: Any) -> bool:
    return not isinstance(slides, Sequence) or len(slides) > 0


def _require_tables_of(model: TrainedModel, tables: Mapping[str, Any]) -> None:
    known = [name for name in model.record.modalities if name not in (SLIDE, PATCHES)]
    unknown = [name for name in tables if name not in known]
    if unknown:
        msg = (
            f"The model did not learn from {', '.join(map(repr, unknown))} (its tables: "
            f"{', '.join(known) or 'none, slides alone'}). Leave it out, or name it as in training."
        )
        raise TableError(msg)


def _require_slides_wanted(model: TrainedModel) -> None:
    if not _takes_slides(model):
        msg = (
            f"The model in {model.folder} did not learn from slides (its tables: "
            f"{', '.join(model.record.modalities)}), so it can say nothing about them. Give "
            "tables, or train a model with the slides of a cohort."
        )
        raise MissingModalityError(msg)


def _nothing(model: TrainedModel, statuses: Sequence[SlideStatus]) -> str:
    why = "; ".join(f"{s.slide_id}: {s.reason}".rstrip(".") for s in statuses[:3])
    return (
        f"Nobody has anything that the model takes ({', '.join(model.record.modalities)})"
        + (f": {why}. " if why else ". ")
        + "Give slides that can be read, or tables with a row for each patient."
    )
