"""From the column of an outcome of numbers to one number per patient."""

import numpy as np
import pandas as pd
import pyarrow as pa

from msfusion_sdk.outcomes.declaration import NumberDeclaration
from msfusion_sdk.outcomes.survival_labels import as_number, cells_of, without_outcome
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.cells.missing_codes import code_remark, missing_codes
from msfusion_sdk.tables.frames import ID_COLUMN
from msfusion_sdk.tables.issues import Issue, issue, note

__all__ = ["number_labels"]

FEW_VALUES = 2
"""So few different numbers are more often codes of classes."""


def number_labels(
    table: pa.Table, declared: NumberDeclaration
) -> tuple["pd.Series[float]", list[Issue]]:
    """Return the number of the patients who have one.

    Parameters
    ----------
    table : Arrow table
        With ``patient_id`` and the column that ``declared`` names.
    """
    column = declared.column
    ids, cells = table.column(ID_COLUMN).to_pylist(), cells_of(table, column)
    known = {name: cell for name, cell in zip(ids, cells, strict=True) if cell is not None}
    every = {name: as_number(cell) for name, cell in known.items()}
    texts = {name: cell for name, cell in known.items() if np.isnan(every[name])}
    numbers = {name: value for name, value in every.items() if name not in texts}
    infinite = [name for name, value in numbers.items() if np.isinf(value)]
    index = pd.Index(list(numbers), name=ID_COLUMN, dtype=object)
    labels = pd.Series(list(numbers.values()), index, name=column, dtype=np.float64)
    values, codes = labels.unique(), missing_codes(labels.to_numpy())
    return labels, [
        *issue(
            "Table",
            len(texts),
            f"{len(texts)} of {len(ids)} values of {column} are no numbers "
            f"({first_few(dict.fromkeys(texts.values()))}; first patients: {first_few(texts)}). "
            "Correct them, blank them, or declare classes: leave kind='number' out.",
        ),
        *issue(
            "NonFinite",
            len(infinite),
            f"{len(infinite)} of {len(ids)} values of {column} are infinite (first patients: "
            f"{first_few(infinite)}). Correct or blank them.",
        ),
        *without_outcome(len(ids) - len(known), len(ids), column),
        *issue(
            "DegenerateSplit",
            int(len(values) < 2 and not texts),
            f"{column} has {len(values)} different number among {len(labels)} patients, so nothing "
            "can be learned or judged. Add patients or choose another column.",
        ),
        *note(
            "Table",
            int(len(values) == FEW_VALUES),
            f"{column} holds only the numbers {first_few(values.tolist())}. If they stand for "
            "classes, declare it without kind='number'.",
        ),
        *note("Table", int(labels.isin(codes).sum()), code_remark(column, codes)),
    ]
