"""Clinical tables: numbers, categories and stages with gaps, as centred columns."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from msfusion_adapters.clinical.columns import gaps, infer_role, is_after_baseline
from msfusion_adapters.clinical.encoding import encoder_arrays, make_encoder, restore_encoder
from msfusion_adapters.clinical.plan import ColumnPlan, Unknown, plan_column, tidy
from msfusion_sdk.adapter import AdapterState, Block, ModalityAdapter
from msfusion_sdk.errors import MissingModalityError, TableError
from msfusion_sdk.tables.frames import patient_table, select_columns

__all__ = ["ClinicalAdapter"]

_WHAT = "the clinical table"


class ClinicalAdapter(ModalityAdapter):
    """Numbers, ordinals and categories of a clinical table, with gaps marked.

    A column that nobody declares is used by what it holds: numbers are numeric; text of
    which nine tenths are stages (``Stage IIIA``) or grades (``G2``) is ordinal; other text is
    categorical.  Placeholders such as ``[Not Available]`` are gaps.  A gap is filled with the
    training median, and a column ``<name>=missing`` marks it; for a category ``missing`` is
    a level.

    Columns that are known only after follow-up began, judged by their names (vital status,
    treatment, recurrence, days to death …), are left out with a warning that lists them,
    unless they are declared.

    Parameters
    ----------
    numeric, categorical : sequence of str
        Columns to use as such.
    ordinal : mapping of column to levels from least to most, or to ``"stage"`` or ``"grade"``
        Levels become 0, 1, 2 …; upper and lower case are the same.
    rare_share : float
        A level of fewer training patients than this share, or of one patient, counts as
        ``other``.
    unknown : {"other", "error"}
        What a level is that training never saw: ``other`` where training had rare levels and
        else the most frequent one (for an ordinal: a gap), or an error.

    Attributes
    ----------
    dropped_ : list of str
        Columns left out: empty, the same for all training patients, all their levels rare, or
        named after the outcome.
    """

    modality: ClassVar[str] = "clinical"

    def __init__(
        self,
        *,
        numeric: Sequence[str] = (),
        categorical: Sequence[str] = (),
        ordinal: Mapping[str, Sequence[str] | str] | None = None,
        rare_share: float = 0.02,
        unknown: Unknown = "other",
    ) -> None:
        self.numeric = numeric
        self.categorical = categorical
        self.ordinal = ordinal
        self.rare_share = rare_share
        self.unknown = unknown

    def fit(self, table: pd.DataFrame, y: pd.DataFrame | pd.Series | None = None) -> Self:
        """Learn roles, levels, medians and scales from the training patients.

        Raises
        ------
        TableError
            When a declared column is missing, a numeric one holds text, or no column varies.
        UnknownCategoryError
            When an ordinal column holds a level that was not declared.
        NonFiniteError
            When a number is infinite.
        MissingModalityError
            When no patient has a value.
        """
        checked = patient_table(table)
        declared = self._declared(checked)
        leaks = [n for n in checked.columns if n not in declared and is_after_baseline(n)]
        if leaks:
            self._warn(leaks)
        used = checked.drop(columns=leaks)
        used = used[_has_value(used)]
        if used.empty:
            msg = "No training patient has a value in the clinical table. Leave it out of this fit."
            raise MissingModalityError(msg)
        plans = [self._plan(used[name], declared) for name in used.columns]
        self._plans = [plan for plan in plans if plan is not None]
        self.columns_ = [plan.name for plan in self._plans]
        self.dropped_ = [name for name in checked.columns if name not in set(self.columns_)]
        if not self._plans:
            msg = (
                f"No column of the clinical table varies over the {len(used)} training patients "
                f"(found: {', '.join(map(repr, self.dropped_[:5]))}). Leave the table out."
            )
            raise TableError(msg)
        self._encoder = make_encoder(self._plans).fit(tidy(used, self._plans, self.unknown))
        return self

    def transform(self, table: pd.DataFrame) -> Block:
        """Return the encoded columns; a patient without any value is absent.

        Columns that ``fit`` left out may be there or not.

        Raises
        ------
        TableError
            When a column that ``fit`` used is missing, or one is new.
        UnknownCategoryError
            When ``unknown="error"`` and a level is new.
        NonFiniteError
            When a number is infinite.
        """
        check_is_fitted(self)
        checked = patient_table(table).drop(columns=self.dropped_, errors="ignore")
        chosen = select_columns(checked, self.columns_, _WHAT)
        names = self._encoder.get_feature_names_out()
        values = np.zeros((0, len(names)))  # scikit-learn refuses a table without rows
        if len(chosen):
            values = self._encoder.transform(tidy(chosen, self._plans, self.unknown))
        return Block.of(chosen.index, values, names, _has_value(chosen))

    def state(self) -> AdapterState:
        """Return roles and levels of the columns, and the encoder's numbers."""
        check_is_fitted(self)
        learned: dict[str, Any] = {
            "columns": [plan.model_dump(mode="json") for plan in self._plans],
            "dropped": self.dropped_,
        }
        return AdapterState(learned, encoder_arrays(self._encoder))

    def load_state(self, learned: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Become what ``state`` described, without fitting; returns the adapter."""
        self._plans = [ColumnPlan.model_validate(plan) for plan in learned["columns"]]
        self._encoder = restore_encoder(self._plans, arrays)
        self.columns_ = [plan.name for plan in self._plans]
        self.dropped_ = list(learned["dropped"])
        return self

    def _declared(self, table: pd.DataFrame) -> dict[str, tuple[str, Sequence[str]]]:
        """Map each declared column to its role and, for an ordinal, its levels."""
        roles: list[tuple[str, tuple[str, Sequence[str]]]] = [
            *((name, ("numeric", ())) for name in self.numeric),
            *((name, ("categorical", ())) for name in self.categorical),
        ]
        for name, levels in (self.ordinal or {}).items():
            role = (levels, ()) if isinstance(levels, str) else ("ordinal", levels)
            roles.append((name, role))
        declared = dict(roles)
        absent = [name for name in declared if name not in table.columns]
        if absent or len(declared) < len(roles):
            names = [name for name, _ in roles]
            wrong = absent or sorted({name for name in names if names.count(name) > 1})
            problem = "not in the clinical table" if absent else "declared twice"
            msg = (
                f"Of the declared columns {', '.join(map(repr, wrong))} are {problem} (found: "
                f"{', '.join(map(repr, table.columns[:5]))} …). Correct numeric=, categorical= "
                "and ordinal=."
            )
            raise TableError(msg)
        return declared

    def _plan(
        self, column: pd.Series, declared: Mapping[str, tuple[str, Sequence[str]]]
    ) -> ColumnPlan | None:
        role, levels = declared.get(str(column.name)) or (infer_role(column), ())
        return None if role is None else plan_column(column, role, levels, self.rare_share)

    def _warn(self, leaks: Sequence[str]) -> None:
        warnings.warn(
            f"Left out {len(leaks)} columns that, by their names, are known only after follow-up "
            f"began: {', '.join(leaks)}. Declare one under numeric=, categorical= or ordinal= to "
            "use it all the same.",
            stacklevel=3,
        )


def _has_value(table: pd.DataFrame) -> NDArray[np.bool_]:
    has_value = np.zeros(len(table), np.bool_)
    for name in table.columns:
        has_value |= ~gaps(table[name])
    return has_value
