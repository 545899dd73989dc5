"""CSV for people, who open it in a spreadsheet: no cell of text is taken for a formula."""

import re

import pandas as pd

__all__ = ["csv_for_people"]

# What spreadsheets take for the beginning of a formula (OWASP, CSV injection).
FORMULA = re.compile(r"^[=+\-@\t\r]")
NUMBER = re.compile(r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$")


def csv_for_people(table: pd.DataFrame, *, index: bool = False) -> str:
    r"""Return a table as CSV; text that a spreadsheet would compute gets an apostrophe before it.

    An id such as ``-1`` or ``+5`` is a number to a spreadsheet, and stays as it is.

    Examples
    --------
    >>> csv_for_people(pd.DataFrame({"id": ["=1+1", "-1", "P1"]}))
    "id\n'=1+1\n-1\nP1\n"
    """
    if index:
        table = table.reset_index()
    safe = table.rename(columns=_safe)
    for name in safe.columns[[not pd.api.types.is_numeric_dtype(kind) for kind in safe.dtypes]]:
        safe[name] = safe[name].map(_safe)
    # One end of lines on every system, so that equal tables are equal bytes.
    return safe.to_csv(index=False, lineterminator="\n")


def _safe(cell: object) -> object:
    is_formula = isinstance(cell, str) and FORMULA.match(cell) and not NUMBER.match(cell)
    return f"'{cell}" if is_formula else cell
