"""The tables of a model, restricted to the patients it may see."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from msfusion_sdk.errors import MissingModalityError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.by_name import check_tables
from msfusion_sdk.tables.cells.placeholders import placeholders_among

__all__ = ["Tables", "read_tables", "rows_of", "with_values", "without_blank"]

Tables = Mapping[str, pd.DataFrame]
"""From a name to a table indexed by patient_id; who is not in it lacks the modality."""

R = TypeVar("R")


def read_tables(
    tables: Tables, patient_ids: Collection[str]
) -> tuple[Tables, list[str], tuple[str, ...]]:
    """Return the rows of ``patient_ids`` by ascending id, who has a value, and what to say.

    Raises
    ------
    MissingModalityError
        When there is no table, or most patients have no value in any: their ids may be spelt in
        another way.
    InputTypeError, IdTypeError, DuplicateIdError
        When the tables are something else, or the ids of one cannot be used.
    """
    checked = {name: table.sort_index() for name, table in check_tables(tables).items()}
    found = {patient for table in checked.values() for patient in with_values(table)}
    bare = sorted(set(patient_ids) - found)
    what = (
        f"{len(bare)} of {len(patient_ids)} patients have no value in any of the tables "
        f"{', '.join(checked)} (first: {first_few(bare)})"
    )
    # Most of them: more likely spelt otherwise than without a value.
    if 2 * len(bare) > len(patient_ids):
        msg = f"{what}. Check that their ids are spelt as in y, or give a table that holds them."
        raise MissingModalityError(msg)
    extra = sorted(found - set(patient_ids))
    notes = [f"{what} and were left out."] if bare else []
    if extra:
        notes.append(f"{len(extra)} patients of the tables have no outcome and were left out.")
    kept = sorted(set(patient_ids) & found)
    return rows_of(checked, kept), kept, tuple(notes)


def rows_of(tables: Tables, patient_ids: Collection[str]) -> dict[str, pd.DataFrame]:
    """Return the tables with only these patients, in the order they have."""
    wanted = set(patient_ids)
    return {name: table[table.index.isin(wanted)] for name, table in tables.items()}


def with_values(table: pd.DataFrame) -> "pd.Index[str]":
    """Return the patients who have any value in the table; a placeholder is none."""
    known = table.notna()
    has_value = known.any(axis=1).to_numpy(np.bool_, copy=True)
    texts = table.columns[[not pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]]
    # Who has a number needs no second look at its text.
    doubtful = has_value & ~known.drop(columns=texts).any(axis=1).to_numpy(np.bool_)
    cells = table.loc[doubtful, texts]
    is_known = np.zeros(len(cells), np.bool_)
    for name in texts:
        is_known |= (cells[name].notna() & ~_placeholders(cells[name])).to_numpy(np.bool_)
    has_value[doubtful] = is_known
    return table.index[has_value]


def without_blank(
    act: Callable[[Sequence[str]], R], patient_ids: Sequence[str]
) -> tuple[R, Sequence[str]]:
    """Return what ``act`` makes of the patients, and of whom.

    An adapter may find nothing in the rows of a few patients: placeholders, or columns that it
    does not use.  They are left out then.
    """
    try:
        return act(patient_ids), patient_ids
    except MissingModalityError as error:
        blank = set(error.patient_ids)
        kept = [patient for patient in patient_ids if patient not in blank]
        if not kept or len(kept) == len(patient_ids):
            raise
        return act(kept), kept


def _placeholders(column: "pd.Series[Any]") -> "pd.Series[bool]":
    """Return where a column holds text that means "no value"."""
    return column.isin(placeholders_among(column.unique()))
