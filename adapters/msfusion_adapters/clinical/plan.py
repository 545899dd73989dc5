"""What is learned about one clinical column: its role, its levels, its unit."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from msfusion_adapters.clinical.columns import PARSERS, as_levels, as_text, fold, gaps
from msfusion_adapters.clinical.numbers import PARSED_SHARE, Decimal, Numbers, read_numbers
from msfusion_adapters.clinical.remarks import Remark, RemarkKind
from msfusion_adapters.numeric import varies
from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.errors import NonFiniteError, TableError, UnknownCategoryError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.cells.missing_codes import missing_codes

__all__ = ["MISSING", "OTHER", "ColumnPlan", "codes_of", "numbers_of", "plan_column"]

OTHER, MISSING = "other", "missing"
FEW_WITH_UNIT = 0.5


class ColumnPlan(FrozenConfig):
    """How a column becomes numbers, fixed by the training patients."""

    name: str
    role: Literal["numeric", "categorical", "ordinal", "stage", "grade"]
    has_gaps: bool
    """Whether a training patient had no value: then there is a column that says so."""
    levels: tuple[str, ...] = ()
    """Categorical: those that were kept, then 'other' and 'missing' where training had them.
    Ordinal: as declared, from least to most."""
    pooled: tuple[str, ...] = ()
    """Levels that were too rare and count as 'other'."""
    usual: str = ""
    """The most frequent level; stands in where there is no 'other' or no 'missing'."""
    is_declared: bool = True
    """Whether the caller declared that the column is numeric, so that text in it is an error."""
    unit: str = ""
    """What stood behind the numbers, ``years`` say."""
    decimal: Decimal = ""
    """What stood before decimals."""


def plan_column(
    column: pd.Series,
    role: str,
    levels: Sequence[str],
    enough: float,
    *,
    is_declared: bool,
) -> tuple[ColumnPlan | None, list[Remark]]:
    """Return the plan of a training column, None when it does not vary, and what it is like.

    Parameters
    ----------
    column : training patients
    levels : of an ordinal column, from least to most
    enough : float
        A level with fewer patients, or with one only, is pooled.
    is_declared : bool
        Whether the role was declared, and not found.

    Raises
    ------
    UnknownCategoryError
        When a declared ordinal column holds a level that was not declared.
    TableError, NonFiniteError
        When a numeric column holds something else.
    """
    name = str(column.name)
    if role == "categorical":
        return _plan_levels(as_levels(column), enough), []
    plan = ColumnPlan.model_validate(
        {
            "name": name,
            "role": role,
            "levels": tuple(levels),
            "has_gaps": False,
            "is_declared": is_declared,
        }
    )
    remarks: list[Remark] = []
    if role == "numeric":
        found = numbers_of(column, plan)
        values, remarks = found.values, _remarks_on(column, found)
        plan = plan.model_copy(update={"unit": found.unit, "decimal": found.decimal})
    else:
        values, new = codes_of(column, plan)
        if role == "ordinal" and new.any():
            raise unknown_level(as_levels(column), new, plan)
        remarks = [Remark("no number", name, column[new].astype(str))] if new.any() else []
    empty = np.isnan(values)
    # A gap is information too: a constant with gaps varies.
    if not varies(values[:, None]).any() and (empty.all() or not empty.any()):
        return None, []
    return plan.model_copy(update={"has_gaps": bool(empty.any())}), remarks


def numbers_of(column: pd.Series, plan: ColumnPlan) -> Numbers:
    """Return the cells of a numeric column as numbers, in the unit of training.

    Raises
    ------
    TableError
        When cells are text: any where the column was declared numeric, else one in ten; or
        when they are in another unit.
    NonFiniteError
        When a cell is infinite.
    """
    found = read_numbers(column, gaps(column), plan.decimal)
    if found.is_text.any() and (plan.is_declared or found.share < PARSED_SHARE):
        wrong = column[found.is_text]
        first = ", ".join(f"{cell!r} of {patient}" for patient, cell in wrong.iloc[:3].items())
        msg = (
            f"Column {plan.name!r} is numeric, and {len(wrong)} cells are not numbers (first: "
            f"{first}). Correct them, or declare it: categorical=[{plan.name!r}]."
        )
        raise TableError(msg)
    if plan.unit and found.unit and found.unit != plan.unit:
        msg = (
            f"Column {plan.name!r} was in {plan.unit!r} in training, and holds "
            f"{len(found.measured)} cells in {found.unit!r}. Bring it to the unit of training."
        )
        raise TableError(msg)
    infinite = column.index[np.isinf(found.values)]
    if len(infinite):
        msg = (
            f"Column {plan.name!r} is infinite for {', '.join(infinite[:3])}. Correct or blank "
            "these cells."
        )
        raise NonFiniteError(msg)
    return found


def codes_of(column: pd.Series, plan: ColumnPlan) -> tuple[Floats, Bools]:
    """Return an ordinal, stage or grade column as numbers, and where its level is unknown."""
    if plan.role in PARSERS:
        code = PARSERS[plan.role]
    else:
        place = {fold(level): float(number) for number, level in enumerate(plan.levels)}
        code = lambda level: place.get(fold(level))  # noqa: E731
    # As text: a declared level may be called like a placeholder, "unknown" say.
    found = [None if level is None else code(level) for level in as_text(column)]
    codes = np.array(found, np.float64)
    return codes, np.isnan(codes) & ~gaps(column)


def unknown_level(levels: pd.Series, new: Bools, plan: ColumnPlan) -> UnknownCategoryError:
    """Return that a column holds levels that were not there in training."""
    wrong = levels[new]
    known = sorted({*plan.levels, *plan.pooled})
    return UnknownCategoryError(
        f"Column {plan.name!r} holds {first_few(wrong.unique())}, for {len(wrong)} of "
        f"{len(levels)} patients (first: {', '.join(wrong.index[:3])}); known are "
        f"{first_few(known, 10)}. Correct the level or declare it; unknown='other' allows new "
        "ones when predicting."
    )


def _plan_levels(levels: pd.Series, enough: float) -> ColumnPlan | None:
    spelling = _usual_spelling(levels.dropna())
    counts = Counter(spelling[fold(level)] for level in levels.dropna())
    # Never one patient: its coefficient would be that patient's outcome.
    kept = sorted(level for level, count in counts.items() if count >= max(2, enough))
    pooled = sorted(set(counts).difference(kept))
    has_gaps = bool(levels.isna().any())
    every = list(dict.fromkeys([*kept, *[OTHER] * bool(pooled), *[MISSING] * has_gaps]))
    if len(every) < 2:
        return None
    # Of equally frequent levels the first by name, in whatever order the patients come.
    usual = min(kept, key=lambda level: (-counts[level], level)) if kept else every[0]
    return ColumnPlan(
        name=str(levels.name),
        role="categorical",
        has_gaps=has_gaps,
        levels=tuple(every),
        pooled=tuple(pooled),
        usual=usual,
    )


def _usual_spelling(levels: pd.Series) -> dict[str, str]:
    """Map what spellings of a level have in common to the most frequent of them."""
    counts = Counter(levels)
    ordered = sorted(counts, key=lambda level: (-counts[level], level))
    # Reserved: a level called like these in any spelling joins them.
    spelling: dict[str, str] = {OTHER: OTHER, MISSING: MISSING}
    for level in ordered:
        spelling.setdefault(fold(level), level)
    return spelling


def _remarks_on(column: pd.Series, found: Numbers) -> list[Remark]:
    # Zero is zero in every unit, and often written without one.
    name, n = str(column.name), int((np.abs(found.values) > 0).sum())
    codes = found.values[np.isin(found.values, missing_codes(found.values))]
    cells: dict[RemarkKind, Sequence[str] | pd.Series] = {
        "no number": column[found.is_text],
        "limit": found.limits,
        # Where most cells name a unit the others forgot it; where few do, theirs may be another.
        "unit": found.measured if len(found.measured) < FEW_WITH_UNIT * n else (),
        "code": [f"{code:g}" for code in codes],
    }
    return [Remark(k, name, pd.Series(c, dtype=object)) for k, c in cells.items() if len(c)]
