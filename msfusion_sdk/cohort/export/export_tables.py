"""The rows of an export: one per slide, per patient or per patch, and nothing that is private.

Only what is listed here leaves: ids the user has given (or their keyed pseudonyms), numbers,
states and codes, and words that patients share.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from msfusion_sdk.cohort.export.private_columns import plain, why_private
from msfusion_sdk.cohort.export.pseudonyms import Pseudonyms
from msfusion_sdk.cohort.store.ledger import SlideStatus
from msfusion_sdk.cohort.store.part import Part
from msfusion_sdk.storage.parquet import patch_schema

__all__ = ["SlideFacts", "patch_rows", "patch_rows_schema", "patient_table", "slide_table"]


@dataclass(frozen=True)
class SlideFacts:
    """A slide of the cohort: its part when it has one, its last status when it does not."""

    slide_id: str
    patient_id: str
    part: Part | None
    status: SlideStatus | None


def slide_table(slides: list[SlideFacts], names: Pseudonyms) -> pa.Table:
    """Return a row per slide of the cohort, those without a vector included, sorted by id."""
    rows = [_slide_row(slide, names) for slide in slides]
    # After the names were exchanged: the order must not give away that of the true ids.
    rows.sort(key=lambda row: row["slide_id"])
    dim = next((len(row["vector"]) for row in rows if row["vector"] is not None), 0)
    fields = [
        _field("slide_id", pa.string(), "identifier"),
        _field("patient_id", pa.string(), "identifier"),
        _field("status", pa.string(), "ok | ok_with_warnings | empty | failed | … | not_encoded"),
        _field("code", pa.string(), "of the error"),
        _field("n_patches", pa.int64(), "count"),
        _field("tissue_area_mm2", pa.float64(), "mm²"),
        _field("tissue_recall", pa.float64(), "share of tissue inside kept patches"),
        _field("n_bad_regions", pa.int64(), "count"),
        _field("slide_mpp", pa.float64(), "µm per pixel of level 0"),
        _field("vector", pa.list_(pa.float32(), dim), "slide vector"),
    ]
    return pa.table(
        [pa.array([row[field.name] for row in rows], field.type) for field in fields],
        schema=pa.schema(fields),
    )


def _slide_row(slide: SlideFacts, names: Pseudonyms) -> dict[str, Any]:
    part, status = slide.part, slide.status
    row: dict[str, Any] = {
        "slide_id": names.of("slide", slide.slide_id),
        "patient_id": names.of("patient", slide.patient_id),
        "status": part.status if part else status.status if status else "not_encoded",
        "code": status.code if status and not part else "",
    }
    columns = ("n_patches", "tissue_area_mm2", "tissue_recall", "n_bad_regions", "vector")
    row |= {name: getattr(part, name, None) for name in columns}
    row["slide_mpp"] = part.provenance["spacing"]["slide_mpp"] if part else None
    return row


def patient_table(
    patient_ids: list[str],
    tables: dict[str, pd.DataFrame],
    n_slides: pd.Series,
    names: Pseudonyms,
    allowed: Collection[str] = (),
) -> tuple[pa.Table, dict[str, str]]:
    """Return one wide row per patient, sorted by id, and why which columns were left out.

    Each table becomes a flag ``has_<table>`` and a column ``<table>.<column>`` for each of
    its own; the slide vector is one column of lists.  A patient that a table lacks has nulls
    there, never zeros.

    Parameters
    ----------
    allowed : collection of str
        Columns as ``<table>.<column>`` that leave although they are recognised as personal.
    """
    # By the names that leave, for the same reason as slides.
    ordered = sorted(patient_ids, key=lambda name: names.of("patient", name))
    columns = [pa.array([names.of("patient", name) for name in ordered])]
    fields = [_field("patient_id", pa.string(), "identifier")]
    left_out: dict[str, str] = {}
    for table, frame in tables.items():
        rows = frame.index.get_indexer(pd.Index(ordered))
        present = rows >= 0
        # Not by pandas, which makes floats of whole numbers where a patient is missing.
        places = pa.array(rows, mask=~present)
        fields.append(_field(f"has_{table}", pa.bool_(), "whether the patient is in this table"))
        columns.append(pa.array(present))
        if table == "slide":
            fields += [
                _field("slide.n_slides", pa.int64(), "slides that went into the vector"),
                _field("slide.vector", pa.list_(pa.float32(), frame.shape[1]), "slide vector"),
            ]
            counts = n_slides.reindex(ordered).fillna(0).astype("int64")
            columns += [pa.array(counts), _vectors(frame.reindex(ordered), present)]
            continue
        for name in frame.columns:
            cells = pa.array(frame[name], from_pandas=True).take(places)
            array, full_name = plain(cells), f"{table}.{name}"
            reason = None if full_name in allowed else why_private(str(name), array)
            if reason is not None:
                left_out[full_name] = reason
                continue
            columns.append(array)
            fields.append(_field(f"{table}.{name}", array.type, "as in the source"))
    return pa.table(columns, schema=pa.schema(fields)), left_out


def _vectors(frame: pd.DataFrame, present: NDArray[np.bool_]) -> pa.Array:
    values = pa.array(frame.to_numpy(np.float32).reshape(-1))
    mask = pa.array(~present)
    return pa.FixedSizeListArray.from_arrays(values, frame.shape[1], mask=mask)


def patch_rows_schema(patches: pa.Schema | None = None) -> pa.Schema:
    """Return the columns of an export by patch, of patch tables with these columns."""
    ids = [_field(name, pa.string(), "identifier") for name in ("slide_id", "patient_id")]
    return pa.schema([*ids, *(patches or patch_schema())])


def patch_rows(slide: SlideFacts, patches: pa.Table, names: Pseudonyms) -> pa.Table:
    """Return the patches of a slide with the ids of slide and patient in every row."""
    ids = (names.of("slide", slide.slide_id), names.of("patient", slide.patient_id))
    columns = [pa.repeat(pa.scalar(name), patches.num_rows) for name in ids]
    return pa.table([*columns, *patches.columns], schema=patch_rows_schema(patches.schema))


def _field(name: str, kind: pa.DataType, unit: str) -> pa.Field:
    return pa.field(name, kind, metadata={"unit": unit})
