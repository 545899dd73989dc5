"""The tables of a model, restricted to the patients it may see."""

from collections.abc import Collection, Mapping

import pandas as pd

from msfusion_sdk.errors import MissingModalityError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.frames import patient_table

__all__ = ["Tables", "read_tables", "rows_of", "with_values"]

Tables = Mapping[str, pd.DataFrame]
"""From a name to a table indexed by patient_id; who is not in it lacks the modality."""


def read_tables(tables: Tables, patient_ids: Collection[str]) -> tuple[Tables, tuple[str, ...]]:
    """Return the rows of ``patient_ids``, sorted by id, and what else there was to say.

    Raises
    ------
    MissingModalityError
        When there is no table, or a patient has no value in any.
    IdTypeError, DuplicateIdError
        When the ids of a table cannot be used.
    """
    checked = {str(name): patient_table(table).sort_index() for name, table in tables.items()}
    found = {patient for table in checked.values() for patient in with_values(table)}
    bare = sorted(set(patient_ids) - found)
    if bare:
        msg = (
            f"{len(bare)} of {len(patient_ids)} patients have no value in any of the tables "
            f"{', '.join(checked) or '(none were given)'} (first: {first_few(bare)}). Leave "
            "them out of y, or give a table that holds them."
        )
        raise MissingModalityError(msg)
    extra = sorted(found - set(patient_ids))
    notes = (
        (f"{len(extra)} patients of the tables have no outcome and were left out.",)
        if extra
        else ()
    )
    return rows_of(checked, patient_ids), notes


def rows_of(tables: Tables, patient_ids: Collection[str]) -> dict[str, pd.DataFrame]:
    """Return the tables with only these patients, in the order they have."""
    wanted = set(patient_ids)
    return {name: table[table.index.isin(wanted)] for name, table in tables.items()}


def with_values(table: pd.DataFrame) -> "pd.Index[str]":
    """Return the patients who have any value in the table."""
    return table.index[table.notna().any(axis=1)]
