"""The plans of all columns of a clinical table: what was declared, and what they hold."""

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from msfusion_adapters.clinical.columns import as_levels, gaps, infer_role
from msfusion_adapters.clinical.names import is_site
from msfusion_adapters.clinical.numbers import PARSED_SHARE, read_numbers
from msfusion_adapters.clinical.plan import MISSING, OTHER, ColumnPlan, plan_column
from msfusion_adapters.clinical.remarks import Remark, warn_of
from msfusion_sdk.errors import TableError
from msfusion_sdk.tables.cells.damage import spreadsheet_days

__all__ = ["Declared", "declared_roles", "plan_columns"]

Declared = Mapping[str, tuple[str, Sequence[str]]]
"""From a column to its role and, for an ordinal, its levels."""

NEARLY_EMPTY = 0.05
"""Share of patients below which a column says more about who filled it in than about them."""
MOSTLY = 0.5
MANY_LEVELS = 10
_BEGINS_WITH_NUMBER = re.compile(r"\W{0,3}\d")


def declared_roles(
    columns: Sequence[str],
    numeric: Sequence[str],
    categorical: Sequence[str],
    ordinal: Mapping[str, Sequence[str] | str] | None,
) -> Declared:
    """Return the role of each declared column.

    Raises
    ------
    TableError
        When one is not in the table, or declared twice.
    """
    roles: list[tuple[str, tuple[str, Sequence[str]]]] = [
        *((name, ("numeric", ())) for name in numeric),
        *((name, ("categorical", ())) for name in categorical),
    ]
    for name, levels in (ordinal or {}).items():
        role = (levels, ()) if isinstance(levels, str) else ("ordinal", levels)
        roles.append((name, role))
    declared = dict(roles)
    absent = [name for name in declared if name not in columns]
    if absent or len(declared) < len(roles):
        names = [name for name, _ in roles]
        wrong = absent or sorted({name for name in names if names.count(name) > 1})
        problem = "not in the clinical table" if absent else "declared twice"
        msg = (
            f"Of the declared columns {', '.join(map(repr, wrong))} are {problem} (found: "
            f"{', '.join(map(repr, columns[:5]))} …). Correct numeric=, categorical= and ordinal=."
        )
        raise TableError(msg)
    return declared


def plan_columns(table: pd.DataFrame, declared: Declared, enough: float) -> list[ColumnPlan]:
    """Return the plans of the columns that are used, and warn of what is odd about any.

    Parameters
    ----------
    table : training patients who have a value
    enough : float
        A level with fewer patients is pooled.

    Raises
    ------
    TableError, UnknownCategoryError, NonFiniteError
        When a column cannot be used as it is declared, or holds dates.

    Warns
    -----
    TableWarning
    """
    plans: list[ColumnPlan] = []
    remarks: list[Remark] = []
    for name in table.columns:
        column = table[name]
        if name in declared:
            role, levels = declared[name]
            plan, found = plan_column(column, role, levels, enough, is_declared=True)
        else:
            plan, found = _plan_found(column, enough)
        remarks += found
        if plan is not None:
            plans.append(plan)
    warn_of(remarks)
    return plans


def _plan_found(column: pd.Series, enough: float) -> tuple[ColumnPlan | None, list[Remark]]:
    """Return the plan of a column that nobody declared, and what is odd about it."""
    name = str(column.name)
    role = infer_role(column)
    if role is None:
        return None, []
    filled = column[~gaps(column)]
    if len(filled) < NEARLY_EMPTY * len(column):
        return None, [Remark("nearly empty", name, filled.astype(str))]
    levels = [str(level) for level in column.cat.categories] if role == "ordinal" else ()
    plan, remarks = plan_column(column, role, levels, enough, is_declared=False)
    if is_site(name) or _are_sites_of_tcga(column):
        sites = Remark("site", name, filled.astype(str).drop_duplicates())
        return plan, [sites] if plan else []
    if role == "categorical":
        is_kept = plan is not None and bool({*plan.levels} - {OTHER, MISSING})
        return plan, [*remarks, *_odd_levels(column, filled, is_kept=is_kept)]
    return plan, remarks


def _odd_levels(column: pd.Series, filled: pd.Series, *, is_kept: bool) -> list[Remark]:
    """Return whether levels are numbers for the most part, or were something else once."""
    name, remarks = str(column.name), []
    if filled.nunique() > MANY_LEVELS:
        numbers = read_numbers(column, gaps(column))
        words = filled[~numbers.is_text[~gaps(column)]]
        # One odd word may be in most cells, and all the others are numbers.
        if numbers.share >= MOSTLY or words.nunique() >= PARSED_SHARE * filled.nunique():
            remarks.append(Remark("mostly numbers", name, column[numbers.is_text]))
        elif not is_kept and _begin_with_numbers(filled):
            remarks.append(Remark("like numbers", name, filled))
    days = spreadsheet_days([str(cell) for cell in filled.drop_duplicates()])
    if days:
        remarks.append(Remark("damage", name, pd.Series(days)))
    return remarks


def _begin_with_numbers(filled: pd.Series) -> bool:
    found = sum(bool(_BEGINS_WITH_NUMBER.match(str(cell))) for cell in filled)
    return found >= PARSED_SHARE * len(filled)


def _are_sites_of_tcga(column: pd.Series) -> bool:
    """Return whether a column is the second part of TCGA barcodes: where the tissue is from."""
    levels = as_levels(column).dropna()
    parts = [str(patient).split("-") for patient in levels.index]
    if not all(len(part) > 2 and part[0] == "TCGA" for part in parts) or levels.nunique() < 2:
        return False
    pairs = zip(parts, levels, strict=True)
    # Without zeros at the front, which a spreadsheet takes from codes such as 05.
    return all(part[1].lstrip("0") == level.lstrip("0").upper() for part, level in pairs)
