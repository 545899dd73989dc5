"""Tables to modalities: an adapter per table, fitted on training patients only.

``X`` maps the name of a table to a DataFrame indexed by patient_id.  A patient whose id is not
in a table, or whose row is empty, lacks that modality.  Ids join everything; the order of rows,
columns and tables means nothing.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.base import clone

from msfusion_sdk.adapter import Block, ModalityAdapter
from msfusion_sdk.errors import MissingModalityError, TableError
from msfusion_sdk.fusion.inputs.modalities import Modalities, require_some
from msfusion_sdk.outcomes.outcome import Outcome
from msfusion_sdk.phrases import first_few
from msfusion_sdk.registry import list_adapters, load_adapter
from msfusion_sdk.tables.by_name import check_tables

__all__ = [
    "AdapterChoice",
    "Tables",
    "choose_adapters",
    "fit_modalities",
    "read_modalities",
    "rows_of_all",
]

Tables = Mapping[str, pd.DataFrame]
AdapterChoice = Mapping[str, str | ModalityAdapter]

FALLBACK = "table"


def choose_adapters(
    names: Iterable[str], choice: AdapterChoice | None
) -> dict[str, ModalityAdapter]:
    """Return an unfitted adapter per table.

    A table uses the adapter that ``choice`` gives it (a registered name, or an adapter, which
    is cloned), else the registered adapter of its own name, else ``table``.

    Raises
    ------
    TableError
        When ``choice`` names a table that is not there.
    PluginError
        When an adapter is not registered or cannot be loaded.
    """
    wanted = sorted(names)
    chosen = dict(choice or {})
    unknown = sorted(set(chosen).difference(wanted))
    if unknown:
        msg = (
            f"Adapters are given for tables that are not in X: {', '.join(unknown)} (found: "
            f"{', '.join(wanted) or 'none'}). Add the tables, or drop those adapters."
        )
        raise TableError(msg)
    registered = list_adapters()
    adapters = {}
    for name in wanted:
        given = chosen.get(name, name if name in registered else FALLBACK)
        adapters[name] = load_adapter(given)() if isinstance(given, str) else clone(given)
    return adapters


def fit_modalities(
    tables: Tables,
    adapters: Mapping[str, ModalityAdapter],
    outcome: Outcome,
) -> tuple[Modalities, dict[str, list[str]]]:
    """Fit an adapter per table on these patients; return modalities and all feature names.

    Patients ascend by id, which makes the result independent of the order of every table, to the
    last digit.

    Parameters
    ----------
    tables : mapping of table name to DataFrame
        As :func:`~msfusion_sdk.tables.by_name.check_tables` returns them.

    Raises
    ------
    MissingModalityError
        When none of them has a modality, or one of them has none at all.
    """
    patient_ids, labels = outcome.patient_ids, outcome.labels()
    blocks = {}
    for name, adapter in adapters.items():
        table = tables[name]
        table = table.loc[table.index.isin(patient_ids)].sort_index()
        if table.empty:
            raise _missing_for_all(name, len(patient_ids))
        blocks[name] = adapter.fit_transform(table, labels)
        if not blocks[name].present.any():
            raise _missing_for_all(name, len(patient_ids))
    modalities = Modalities.of(blocks, patient_ids)
    require_some(modalities)
    return modalities, {name: list(block.names) for name, block in sorted(blocks.items())}


def read_modalities(
    tables: Tables,
    adapters: Mapping[str, ModalityAdapter],
    features: Mapping[str, Sequence[str]],
) -> Modalities:
    """Return the modalities of everybody in ``tables``, in order of first appearance.

    Tables that were there in training may be missing: nobody has that modality then.

    Parameters
    ----------
    features : mapping of table to names
        What each adapter made of its table in training.

    Raises
    ------
    InputTypeError, IdTypeError, DuplicateIdError
        When the tables are something else, or their ids cannot be used.
    TableError
        When a table was not there in training.
    MissingModalityError
        When there is no table, or a patient has an empty row in each.
    """
    checked = check_tables(tables, known=adapters)
    if set(checked).difference(adapters):
        msg = (
            f"Prediction needs one or more of the tables of training ({', '.join(adapters)}), and "
            f"got {', '.join(map(repr, checked))}."
        )
        raise TableError(msg)
    # A dict keeps the order and drops what comes again; a set would shuffle.
    patient_ids = list(dict.fromkeys(i for table in checked.values() for i in table.index))
    blocks = {
        name: adapters[name].transform(checked[name]) if name in checked else _nobody(names)
        for name, names in features.items()
    }
    read = Modalities.of(blocks, patient_ids)
    require_some(read)
    return read


def rows_of_all(tables: Tables, patient_ids: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Return the tables with only these patients, each of whom must have a row in one.

    Raises
    ------
    MissingModalityError
        Naming the first of those who have none.
    """
    rows = {name: table[table.index.isin(patient_ids)] for name, table in tables.items()}
    there = set().union(*(table.index for table in rows.values()))
    lacking = [patient for patient in patient_ids if patient not in there]
    if lacking:
        msg = (
            f"{len(lacking)} of {len(patient_ids)} patients of y are in no table of X (first: "
            f"{first_few(lacking)}; tables: {', '.join(tables)}). Leave them out of y, or check "
            "that ids are spelt alike."
        )
        error = MissingModalityError(msg)
        error.patient_ids = tuple(lacking)
        raise error
    return {name: table for name, table in rows.items() if len(table)}


def _nobody(names: Sequence[str]) -> Block:
    return Block.of((), np.zeros((0, len(names))), names)


def _missing_for_all(name: str, patients: int) -> MissingModalityError:
    return MissingModalityError(
        f"None of the {patients} training patients has a value in table {name!r}. Leave the table "
        "out, or check that its patient ids are spelt as in y."
    )
