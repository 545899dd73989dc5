"""From the column of a class outcome to one class per patient."""

import numpy as np
import pandas as pd
import pyarrow as pa

from msfusion_sdk.outcomes.declaration import ClassDeclaration
from msfusion_sdk.outcomes.survival_labels import cells_of, without_outcome
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.cells.dates import holds_dates
from msfusion_sdk.tables.cells.missing_codes import code_remark, missing_codes
from msfusion_sdk.tables.frames import ID_COLUMN
from msfusion_sdk.tables.issues import Issue, issue, note

__all__ = ["class_labels"]


def class_labels(
    table: pa.Table, declared: ClassDeclaration
) -> tuple["pd.Series[str]", list[Issue]]:
    """Return the class of the patients who have one: text, or whole numbers as they are.

    Parameters
    ----------
    table : Arrow table
        With ``patient_id`` and the column that ``declared`` names.
    """
    ids, cells = table.column(ID_COLUMN).to_pylist(), cells_of(table, declared.column)
    known = {name: cell for name, cell in zip(ids, cells, strict=True) if cell is not None}
    others = [v for v in known.values() if not isinstance(v, str | int | float)]
    fractions = [v for v in known.values() if isinstance(v, float) and not v.is_integer()]
    # A column of whole numbers with gaps comes from pandas as float.
    values = [int(v) if isinstance(v, float) and v.is_integer() else v for v in known.values()]
    index = pd.Index(list(known), name=ID_COLUMN, dtype=object)
    labels = pd.Series(values, index, name=declared.column, dtype=object)
    # As text where a class cannot be one: a list has no hash.
    sizes = (labels.map(str) if others else labels).value_counts()
    numbers = np.array([value for value in labels if type(value) is int], np.float64)
    codes = missing_codes(numbers)
    single = [name for name, n in sizes.items() if n == 1]
    # A remark and not a repair: "T1" and "t1" may be what somebody means to tell apart.
    spelling = [str(name).strip().casefold() for name in sizes.index]
    alike = [n for n, s in zip(sizes.index, spelling, strict=True) if spelling.count(s) > 1]
    return labels, [
        *issue(
            "Table",
            len(others),
            f"{declared.column} holds {first_few(sorted({type(v).__name__ for v in others}))} "
            f"(first: {first_few(others)}), and classes are text, whole numbers, or true and "
            "false. Make classes of them, or choose another column.",
        ),
        *issue(
            "Table",
            len(fractions),
            f"{declared.column} holds fractions (first: {first_few(fractions)}), which are no "
            "classes. Make classes of them, choose another column, or declare numbers by "
            "kind='number'.",
        ),
        *without_outcome(len(ids) - len(known), len(ids), declared.column),
        *issue(
            "DegenerateSplit",
            int(len(sizes) < 2),
            f"{declared.column} has {len(sizes)} class among {len(labels)} patients ("
            f"{first_few(sizes.index)}), and two are needed. Add patients or choose another "
            "column.",
        ),
        *note(
            "DegenerateSplit",
            len(single),
            f"Of {declared.column} these classes have one patient only ({len(single)}: "
            f"{first_few(single)}), who cannot be in training and test. Join them with others.",
        ),
        *note(
            "Table",
            len(alike),
            f"Classes of {declared.column} differ only by case or spaces ({first_few(alike)}) and "
            "count as different ones. Write them alike if they are the same.",
        ),
        *note(
            "Table",
            int(bool(len(labels)) and holds_dates(declared.column, labels)),
            f"{declared.column} holds dates, each of which is a class of its own. Choose another "
            "column.",
        ),
        *note("Table", int(np.isin(numbers, codes).sum()), code_remark(declared.column, codes)),
    ]
