"""The table of a new modality: one row per patient of the cohort, or a reason why not."""

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from msfusion_sdk.bags.bag import PATCHES
from msfusion_sdk.cohort.intake.creation import Checked, OnDuplicate, origin_of, single_rows
from msfusion_sdk.cohort.intake.layouts import LayoutChoice, read_in_layout
from msfusion_sdk.errors import TableError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.arrow import TableSource, name_of, read_table
from msfusion_sdk.tables.cells.placeholders import placeholders_among
from msfusion_sdk.tables.frames import ID_COLUMN
from msfusion_sdk.tables.ids import find_bad_ids, find_unknown_ids
from msfusion_sdk.tables.issues import Issue, issue, note, require_no_errors

__all__ = ["Unmatched", "lacks", "read_modality_table", "require_modality_name"]

Unmatched = Literal["refuse", "report"]

# Names become file names: one case only, because some file systems know no other.
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
TAKEN = ("slide", "slides", "patients", PATCHES)


def require_modality_name(name: str) -> None:
    """Refuse a modality name that cannot be a file name everywhere, or has a meaning already.

    Raises
    ------
    TableError
    """
    if not NAME.fullmatch(name) or name in TAKEN:
        msg = (
            f"{name!r} cannot name a modality: small letters, digits and underscores, a letter "
            f"first, 64 at most, and not {', '.join(TAKEN)}, which mean something else."
        )
        raise TableError(msg)


def read_modality_table(
    source: TableSource,
    patient_ids: Sequence[str],
    *,
    modality: str,
    unmatched: Unmatched,
    on_duplicate: OnDuplicate,
    layout: LayoutChoice | None = None,
) -> Checked:
    """Return the rows of the cohort's patients, or raise one error that lists all problems.

    The notes beside the table hold what was remarked, in which ``modality`` is named.
    """
    name = name_of(source)
    what = f"patient ids of {name}"
    read, remarks = (source, []) if layout is None else read_in_layout(source, layout)
    table = read_table(read, id_columns=(ID_COLUMN,))
    table, issues = single_rows(table, ID_COLUMN, what, on_duplicate)
    issues += remarks
    ids, known = table.column(ID_COLUMN).to_pylist(), set(patient_ids)
    belongs = np.array([patient in known for patient in ids])
    named = [patient for patient in ids if patient and patient.strip()]
    # If nobody matches, ids are spelt otherwise: that is an error, whatever was asked for.
    may_differ = unmatched == "report" and bool(belongs.any())
    issues += [
        *find_bad_ids(ids, what),
        *find_unknown_ids(named, patient_ids, what, "the cohort", is_error=not may_differ),
        *_infinite(table, name),
    ]
    require_no_errors(issues)
    has_value = _has_value(table)
    kept = belongs & has_value
    empty = [patient for patient, e in zip(ids, belongs & ~has_value, strict=True) if e]
    issues += [
        *issue(
            "MissingModality",
            len(empty),
            f"{len(empty)} rows of {name} hold no value (first: {first_few(empty)}): these "
            "patients lack the modality, and the rows are left out.",
            is_error=not kept.any(),
        ),
        *lacks(len(known) - int(kept.sum()), len(known), modality, name),
    ]
    require_no_errors(issues)
    notes = {
        **origin_of(source),
        **({} if layout is None else {"layout": layout.layout}),
        "n_patients": int(kept.sum()),
        "findings": [each.model_dump() for each in issues],
    }
    return Checked(table.filter(pa.array(kept)), notes)


def lacks(lacking: int, patients: int, modality: str, source: str) -> list[Issue]:
    """Return the remark that some patients of the cohort are not in a table, if any."""
    return note(
        "MissingModality",
        lacking,
        f"{lacking} of {patients} patients of the cohort lack the modality {modality!r}, "
        f"which is of {source}.",
    )


def _infinite(table: pa.Table, name: str) -> list[Issue]:
    """Return an issue for columns with infinite numbers; NaN means missing."""
    rows_by_column = {
        field.name: np.flatnonzero(np.isinf(table.column(field.name).to_numpy()))
        for field in table.schema
        if pa.types.is_floating(field.type)
    }
    wrong = {column: rows for column, rows in rows_by_column.items() if len(rows)}
    if not wrong:
        return []
    column, rows = next(iter(wrong.items()))
    patients = table.column(ID_COLUMN).take(pa.array(rows[:3])).to_pylist()
    message = (
        f"{len(wrong)} columns of {name} hold infinity (first: {column!r}, {len(rows)} patients: "
        f"{first_few(patients)}). Find out where it is from, or leave the cells empty."
    )
    return issue("NonFinite", len(wrong), message)


def _has_value(table: pa.Table) -> NDArray[np.bool_]:
    """Return the rows with a cell that holds more than a placeholder."""
    has_value = np.zeros(table.num_rows, np.bool_)
    for column in table.drop_columns(ID_COLUMN).itercolumns():
        if pa.types.is_dictionary(column.type):
            # Text with few values may come as a dictionary, which has no text functions.
            column = column.cast(column.type.value_type)
        holds = ~pc.is_null(column, nan_is_null=True).to_numpy()
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            words = placeholders_among(column.unique().to_pylist())
            holds &= ~pc.is_in(column, value_set=pa.array(sorted(words), column.type)).to_numpy()
        has_value |= holds
    return has_value
