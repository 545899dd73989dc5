"""Export a cohort as one file that may leave the building.

Paths, file names, header texts, dates and free-text reasons never leave.  A vector is
pseudonymous data, not anonymous: people have been re-identified from H&E.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pandas as pd
import pyarrow as pa

from msfusion_sdk._version import __version__
from msfusion_sdk.cohort.export.export_tables import (
    SlideFacts,
    patch_rows,
    patch_rows_schema,
    patient_table,
    slide_table,
)
from msfusion_sdk.cohort.export.pseudonyms import Pseudonyms
from msfusion_sdk.cohort.export.replacing import require_replaceable
from msfusion_sdk.cohort.export.written import (
    Format,
    Level,
    require_own_suffix,
    write_export,
)
from msfusion_sdk.cohort.folder.view import CohortView
from msfusion_sdk.cohort.store.aggregate import SlideUse
from msfusion_sdk.cohort.store.status import choose_model, models_of, slide_statuses
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.cohort.store.vectors import load_parts, patient_vectors
from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.errors import TableError
from msfusion_sdk.files import entries_of
from msfusion_sdk.places.url import Url

__all__ = ["ExportReport", "Level", "export_cohort"]

EXPORT_VERSION = 1
SLIDE = "slide"


class ExportReport(FrozenConfig):
    """What has left, and what has not."""

    path: Path
    """The file; the name alone of one that was sent."""
    level: Level
    rows: int
    fingerprint: str | None
    slides: dict[str, int]
    """Slides of the cohort by status: those that are not ok carry no vector."""
    left_out: tuple[str, ...]
    """Columns that tell who patients are."""
    reasons: dict[str, str]
    """Why each of these was left out."""
    included: tuple[str, ...] = ()
    """Columns that left because they were allowed by name."""
    address: str | None = None
    """Where the file was sent; None when it lies on a disk."""


class _Content(NamedTuple):
    """The rows that leave."""

    schema: pa.Schema
    tables: Iterator[pa.Table]
    left_out: dict[str, str]
    """By column, why it does not leave."""


def export_cohort(
    cohort: CohortView,
    path: Path | Url,
    *,
    level: Level,
    modalities: list[str] | None,
    aggregate: SlideUse,
    model: str | None,
    pseudonymise_key: Path | None,
    include: Collection[str] = (),
    form: Format = "parquet",
) -> ExportReport:
    """Write what may leave; the arguments are those of ``Cohort.export``."""
    _require_known_words(level, aggregate, form)
    require_own_suffix(Path(path.name), form)
    if include and level != "patient":
        msg = f"include names columns of patients' tables, and here a row is a {level}."
        raise ValueError(msg)
    file = None if isinstance(path, Url) else path
    names = Pseudonyms(pseudonymise_key, cohort=cohort.root, export=file)
    if file is not None:
        require_replaceable(file, form)
    # A table of patients needs no slide vectors; then several models are no error.
    is_asked = level != "patient" or model is not None or SLIDE in (modalities or ())
    is_there = modalities is None and bool(models_of(cohort.root))
    fingerprint = choose_model(cohort.root, model) if is_asked or is_there else None
    facts = _slide_facts(cohort, fingerprint) if fingerprint else []
    if level == "patient":
        content = _of_patients(cohort, facts, fingerprint, names, modalities, aggregate, include)
    else:
        content = _of_slides(cohort, facts, fingerprint, names, level)
    counts = dict(sorted(Counter(_status(fact) for fact in facts).items()))
    metadata = {
        "export_version": EXPORT_VERSION,
        "sdk": __version__,
        "level": level,
        "fingerprint": fingerprint,
        "model": _model(facts),
        "slides_of_a_patient": aggregate if level == "patient" else None,
        "slides": counts,
        "left_out": list(content.left_out),
        "left_out_because": content.left_out,
        "included": sorted(include),
        "pseudonymised": pseudonymise_key is not None,
    }
    rows = write_export(
        path, content.schema, content.tables, metadata, level, form, cohort.modalities
    )
    return ExportReport(
        path=path if isinstance(path, Path) else Path(path.name),
        address=None if isinstance(path, Path) else str(path),
        level=level,
        rows=rows,
        fingerprint=fingerprint,
        slides=counts,
        left_out=tuple(content.left_out),
        reasons=content.left_out,
        included=tuple(sorted(include)),
    )


def _of_slides(
    cohort: CohortView,
    facts: list[SlideFacts],
    fingerprint: str | None,
    names: Pseudonyms,
    level: Level,
) -> _Content:
    if level == "slide":
        table = slide_table(facts, names)
        return _Content(table.schema, iter([table]), {})
    tables = _patch_tables(cohort, facts, fingerprint, names)
    first = next(tables, None)
    # The columns are those of the first slide: the length of a vector is the model's.
    if first is None:
        return _Content(patch_rows_schema(), iter(()), {})
    return _Content(first.schema, chain([first], tables), {})


def _of_patients(
    cohort: CohortView,
    facts: list[SlideFacts],
    fingerprint: str | None,
    names: Pseudonyms,
    modalities: list[str] | None,
    aggregate: SlideUse,
    include: Collection[str],
) -> _Content:
    chosen = _chosen_tables(cohort, modalities)
    _require_columns(include, chosen)
    n_slides = pd.Series(dtype="int64")
    if fingerprint:
        frame = pd.DataFrame([(f.slide_id, f.patient_id) for f in facts])
        frame.columns = pd.Index(["slide_id", "patient_id"])
        parts = {f.slide_id: f.part for f in facts if f.part is not None}
        vectors = patient_vectors(frame, parts, aggregate)
        chosen = {SLIDE: vectors, **chosen}
        n_slides = pd.Series(vectors.attrs["n_slides"], dtype="int64")
    table, left_out = patient_table(cohort.patient_ids, chosen, n_slides, names, include)
    return _Content(table.schema, iter([table]), left_out)


def _require_known_words(level: str, aggregate: str, form: str) -> None:
    if form not in get_args(Format):
        msg = f"format={form!r} is not one of {', '.join(get_args(Format))}."
        raise ValueError(msg)
    if level not in get_args(Level):
        msg = f"level={level!r} is not one of {', '.join(get_args(Level))}."
        raise ValueError(msg)
    if aggregate not in ("weighted", "mean"):
        msg = (
            f"aggregate={aggregate!r} is not one of weighted, mean. For a row per slide: "
            "level='slide'."
        )
        raise ValueError(msg)


def _require_columns(include: Collection[str], tables: dict[str, pd.DataFrame]) -> None:
    known = {f"{table}.{name}" for table, frame in tables.items() for name in frame.columns}
    unknown = [name for name in include if name not in known]
    if unknown:
        near = ", ".join(sorted(known)[:8])
        msg = (
            f"There is no column {', '.join(unknown)} to be included; they are called "
            f"<table>.<column>, as {near}."
        )
        raise TableError(msg)


def _slide_facts(cohort: CohortView, fingerprint: str) -> list[SlideFacts]:
    assert cohort.slides is not None
    owners = dict(
        zip(
            cohort.slides.column("slide_id").to_pylist(),
            cohort.slides.column("patient_id").to_pylist(),
            strict=True,
        )
    )
    parts = load_parts(cohort.root, list(owners), fingerprint)
    statuses = slide_statuses(cohort.root, list(owners), fingerprint)
    return [
        SlideFacts(name, owner, parts.get(name), statuses.get(name))
        for name, owner in owners.items()
    ]


def _status(fact: SlideFacts) -> str:
    if fact.part is not None:
        return fact.part.status
    return fact.status.status if fact.status is not None else "not_encoded"


def _model(facts: list[SlideFacts]) -> dict[str, Any] | None:
    """Return weights and settings behind the vectors: of the first, as all are of one model."""
    for fact in facts:
        if fact.part is not None:
            found = fact.part.provenance
            return {"identity": found["model"], "config": found["config"]}
    return None


def _chosen_tables(cohort: CohortView, modalities: list[str] | None) -> dict[str, pd.DataFrame]:
    """Return modality tables and declared outcomes by name."""
    known = [*cohort.modalities, *cohort.manifest.outcomes]
    wanted = known if modalities is None else [name for name in modalities if name != SLIDE]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        msg = f"The cohort has no {', '.join(unknown)} (known: {', '.join([SLIDE, *known])})."
        raise TableError(msg)
    tables = {}
    for name in wanted:
        is_table = name in cohort.modalities
        found = cohort.modality(name) if is_table else cohort.outcome(name)
        tables[name] = found.to_frame(name) if isinstance(found, pd.Series) else found
    return tables


def _patch_tables(
    cohort: CohortView, facts: list[SlideFacts], fingerprint: str | None, names: Pseudonyms
) -> Iterator[pa.Table]:
    store = EmbeddingStore(cohort.root, fingerprint or "")
    having = [fact for fact in facts if fact.part is not None and fact.part.n_patches]
    there = {path.name for path in entries_of(store.patch_folder)}
    missing = [f.slide_id for f in having if store.patch_part(f.slide_id).name not in there]
    if missing:
        raise _no_patch_rows(missing)
    # By the names that leave: the order of rows must not give away that of the true ids.
    for fact in sorted(having, key=lambda fact: names.of("slide", fact.slide_id)):
        assert fact.part is not None
        patches = store.patch_rows(fact.part)
        if patches is None:
            raise _no_patch_rows([fact.slide_id])
        yield patch_rows(fact, patches, names)


def _no_patch_rows(slide_ids: list[str]) -> TableError:
    return TableError(
        f"{len(slide_ids)} encoded slides have no patch rows, or only those of a file that was "
        f"replaced (first: {', '.join(slide_ids[:3])}). Encode the cohort again with patches=True "
        "(--patches), which keeps them."
    )
