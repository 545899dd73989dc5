"""Clinical tables: numbers, categories and stages with gaps, as centred columns."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from msfusion_adapters.clinical.columns import gaps, require_no_bytes
from msfusion_adapters.clinical.encoding import (
    encode,
    far_outside,
    feature_names,
    filled_in,
    learn,
)
from msfusion_adapters.clinical.layouts import ClinicalLayout, read_clinical
from msfusion_adapters.clinical.names import is_after_baseline
from msfusion_adapters.clinical.plan import ColumnPlan
from msfusion_adapters.clinical.planning import declared_roles, plan_columns
from msfusion_adapters.clinical.tidy import Unknown, require_known, tidy, warn_of_empty
from msfusion_adapters.leakage import warn_of_leaks
from msfusion_sdk.adapter import AdapterState, Block, ModalityAdapter
from msfusion_sdk.arrays import Bools
from msfusion_sdk.deprecation import MsfusionDeprecationWarning
from msfusion_sdk.errors import MissingModalityError, TableError
from msfusion_sdk.tables.files.table_file import TableFile
from msfusion_sdk.tables.frames import patient_table, select_columns
from msfusion_sdk.tables.issues import TableWarning

__all__ = ["ClinicalAdapter"]

_WHAT = "the clinical table"


class ClinicalAdapter(ModalityAdapter):
    """Numbers, ordinals and categories of a clinical table, with gaps marked.

    A column that nobody declares is used by what nine tenths of its values are: numbers (also
    ``>= 90``, ``90+``, ``61 years``, ``45 %`` and ``61,5``), stages (``Stage IIIA``), grades
    (``G2``); ordered categories are ordinal, and other text is categorical.  Placeholders such
    as ``[Not Available]`` are gaps.  A gap is filled with the training median, and a column
    ``<name>=missing`` marks it; for a category ``missing`` is a level.  Levels are the same in
    upper and lower case.

    Columns that are known only after follow-up began, judged by their names (vital status,
    treatment, recurrence, days to death …), are left out with a warning that lists them,
    unless they are declared; so are columns with values for fewer than 5 % of the patients.
    A column that equals the outcome, nearly or where it is not empty, or that alone orders it, is
    named in a warning.

    Parameters
    ----------
    numeric, categorical : sequence of str
        Columns to use as such.
    ordinal : mapping of column to levels from least to most, or to ``"stage"`` or ``"grade"``
        Levels become 0, 1, 2 …; upper and lower case are the same.
    min_patients : int
        A level of fewer training patients counts as ``other``, however many there are in all:
        the penalty of the model does the rest.  In a table of fewer than 500 patients 2 % of
        them are enough, and never fewer than two.
    unknown : {"other", "error"}
        What a level is that training never saw: ``other`` where training had rare levels and
        else the most frequent one (for an ordinal: a gap), with a warning, or an error.  A
        table of ten patients or more of which half is new is an error in any case.
    layout : {"cbioportal", "xena", "gdc"}, optional
        How ``read`` finds patients in a file; by default in the column ``patient_id``.
    rare_share : float, optional
        Deprecated: a level of a smaller share of the training patients counts as ``other``.
        Use ``min_patients``.

    Attributes
    ----------
    dropped_ : list of str
        Columns left out: empty or nearly so, the same for all training patients, all their
        levels rare, or named after the outcome.

    Notes
    -----
    Numbers have mean 0 and standard deviation 1 over the values that training saw, and are cut
    at five standard deviations.  Numbers far outside training are named in a warning.
    """

    modality: ClassVar[str] = "clinical"
    layouts: ClassVar[tuple[str, ...]] = get_args(ClinicalLayout)

    def __init__(
        self,
        *,
        numeric: Sequence[str] = (),
        categorical: Sequence[str] = (),
        ordinal: Mapping[str, Sequence[str] | str] | None = None,
        min_patients: int = 10,
        unknown: Unknown = "other",
        layout: ClinicalLayout | None = None,
        rare_share: float | None = None,
    ) -> None:
        self.numeric = numeric
        self.categorical = categorical
        self.ordinal = ordinal
        self.min_patients = min_patients
        self.unknown = unknown
        self.layout = layout
        self.rare_share = rare_share

    def read(self, source: str | Path | TableFile | pd.DataFrame) -> pd.DataFrame:
        """Return a row per patient from a file in ``layout``, or from a table.

        Raises
        ------
        TableError
            When the file is not of that layout, or the ids cannot be used.
        """
        if self.layout is None or isinstance(source, pd.DataFrame):
            return super().read(source)
        return read_clinical(source, self.layout)

    def fit(self, table: pd.DataFrame, y: pd.DataFrame | pd.Series | None = None) -> Self:
        """Learn roles, levels, medians and scales from the training patients.

        Raises
        ------
        TableError
            When a declared column is missing, a numeric one holds text, one holds dates, or no
            column varies.
        UnknownCategoryError
            When an ordinal column holds a level that was not declared.
        NonFiniteError
            When a number is infinite.
        MissingModalityError
            When no patient has a value.

        Warns
        -----
        TableWarning
            Of columns that are left out, cells that are not what the others are, columns that
            name a site, and columns that tell the outcome.
        """
        checked = patient_table(table)
        declared = declared_roles(
            list(checked.columns), self.numeric, self.categorical, self.ordinal
        )
        leaks = [n for n in checked.columns if n not in declared and is_after_baseline(n)]
        if leaks:
            self._warn(leaks)
        used = checked.drop(columns=leaks)
        require_no_bytes(used)
        used = used[_has_value(used)]
        if used.empty:
            msg = "No training patient has a value in the clinical table. Leave it out of this fit."
            raise MissingModalityError(msg)
        # Without an underscore at the end: plans are objects, which ``state`` writes as JSON.
        self._plans = plan_columns(used, declared, self._enough(len(used)))
        self.columns_ = [plan.name for plan in self._plans]
        self.dropped_ = [name for name in checked.columns if name not in set(self.columns_)]
        if not self._plans:
            msg = (
                f"No column of the clinical table varies over the {len(used)} training patients "
                f"(found: {', '.join(map(repr, self.dropped_[:5]))}). Leave the table out."
            )
            raise TableError(msg)
        tidied, _ = tidy(used, self._plans, self.unknown)
        self._arrays = learn(tidied, self._plans)
        values, names = encode(tidied, self._plans, self._arrays), feature_names(self._plans)
        warn_of_leaks(values, names, list(used.index), y, _WHAT, filled_in(tidied, self._plans))
        return self

    def fit_transform(
        self, table: pd.DataFrame, y: pd.DataFrame | pd.Series | None = None
    ) -> Block:
        """Learn from training patients and return their numbers; what is odd gives one warning."""
        self.fit(table, y)
        return self._block(table, is_training=True)

    def transform(self, table: pd.DataFrame) -> Block:
        """Return the encoded columns; a patient without any value is absent.

        Columns that ``fit`` left out may be there or not.

        Raises
        ------
        TableError
            When a column that ``fit`` used is missing, or one is new, or in another unit.
        UnknownCategoryError
            When ``unknown="error"`` and a level is new, or half of a table is new.
        NonFiniteError
            When a number is infinite.

        Warns
        -----
        TableWarning
            Of levels that training never saw, numbers far outside what it saw, and columns that are
        empty where training had no gap.
        """
        check_is_fitted(self)
        return self._block(table, is_training=False)

    def _block(self, table: pd.DataFrame, *, is_training: bool) -> Block:
        # Columns that training left out may be there: they were in the table that it was given.
        checked = patient_table(table).drop(columns=self.dropped_, errors="ignore")
        chosen = select_columns(checked, self.columns_, _WHAT)
        require_no_bytes(chosen)
        tidied, novel = tidy(chosen, self._plans, self.unknown)
        present = _has_value(chosen)
        if not is_training:
            warn_of_empty(novel, self._plans, int(present.sum()))
            far = far_outside(tidied, self._plans, self._arrays)
            require_known(novel, far, int(present.sum()))
        values = encode(tidied, self._plans, self._arrays)
        return Block.of(chosen.index, values, feature_names(self._plans), present)

    def state(self) -> AdapterState:
        """Return roles and levels of the columns, and their medians and scales."""
        check_is_fitted(self)
        learned: dict[str, Any] = {
            "columns": [plan.model_dump(mode="json") for plan in self._plans],
            "dropped": self.dropped_,
        }
        return AdapterState(learned, dict(self._arrays))

    def load_state(self, learned: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Become what ``state`` described, without fitting; returns the adapter."""
        self._plans = [ColumnPlan.model_validate(plan) for plan in learned["columns"]]
        self._arrays = {name: np.array(values) for name, values in arrays.items()}
        self.columns_ = [plan.name for plan in self._plans]
        self.dropped_ = list(learned["dropped"])
        return self

    def _enough(self, patients: int) -> float:
        """Return how many patients a level needs to be one of its own."""
        if self.rare_share is None:
            # In a small table ten patients would be too many to ask of any level.
            return min(self.min_patients, 0.02 * patients)
        warnings.warn(
            "rare_share= is deprecated and will go in version 0.3: a share loses levels of large "
            "tables. Use min_patients=, by default 10.",
            MsfusionDeprecationWarning,
            stacklevel=3,
        )
        return self.rare_share * patients

    def _warn(self, leaks: Sequence[str]) -> None:
        warnings.warn(
            f"Left out {len(leaks)} columns that, by their names, are known only after follow-up "
            f"began: {', '.join(leaks)}. Declare one under numeric=, categorical= or ordinal= to "
            "use it all the same.",
            TableWarning,
            stacklevel=3,
        )


def _has_value(table: pd.DataFrame) -> Bools:
    has_value = np.zeros(len(table), np.bool_)
    for name in table.columns:
        has_value |= ~gaps(table[name])
    return has_value
