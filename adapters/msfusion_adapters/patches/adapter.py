"""Attention over the patches of a slide, learned from the patients' outcomes in the fold."""

from collections.abc import Mapping
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from msfusion_adapters.patches.fitting import Settings, fit_attention
from msfusion_adapters.patches.objective import SurvivalLoss
from msfusion_adapters.patches.target import target_of
from msfusion_sdk.adapter import AdapterState, Block, ModalityAdapter
from msfusion_sdk.arrays import Floats
from msfusion_sdk.bags.bag import PATCHES, Bag
from msfusion_sdk.bags.heads import Head
from msfusion_sdk.bags.learned import LearnedAttention
from msfusion_sdk.errors import MissingModalityError, SettingError, TableError
from msfusion_sdk.tables.frames import patient_table, select_columns

__all__ = ["PatchesAdapter"]


class PatchesAdapter(ModalityAdapter):
    """A score per patient from bags of patch vectors, by attention learned from the outcome.

    Parameters
    ----------
    head : {"gated", "mean", "max", "clam", "transformer"}
        How patches become a score; see :mod:`msfusion_sdk.bags.heads`.  Whatever it is, a ridge
        model of the plain mean stands beside it, with weights fitted out of fold.
    n_components : int
        Columns that the head sees of a patch vector: principal components of patches of the
        training patients, each of deviation 1.
    members : int, optional
        As many heads are averaged.  Each learns from all but one part of the training patients
        and is stopped by the patients of the other parts.  By default 10 for up to 400 training
        patients, each of whom counts more, and 5 for more.
    max_patches : int
        Of a bag in one step of training, drawn anew in each; to predict, all are looked at.
    loss : {"cox", "discrete"}
        For survival: the partial likelihood over all bags at once, or hazards of eight time bins.
    random_state : int
        Equal ones give equal results on one machine.

    Attributes
    ----------
    attention_ : LearnedAttention
        Judges one bag: score, weight and share of each patch.

    Notes
    -----
    All slides of a patient are one bag.  ``fit_transform`` gives the training patients scores by
    heads that did not learn from them; ``transform`` of the same patients flatters them.
    """

    modality: ClassVar[str] = PATCHES
    gives_scores: ClassVar[bool] = True

    def __init__(
        self,
        *,
        head: Head = "gated",
        n_components: int = 64,
        members: int | None = None,
        max_patches: int = 256,
        loss: SurvivalLoss = "cox",
        random_state: int = 0,
    ) -> None:
        self.head = head
        self.n_components = n_components
        self.members = members
        self.max_patches = max_patches
        self.loss = loss
        self.random_state = random_state

    def fit(self, table: pd.DataFrame, y: pd.DataFrame | pd.Series | None = None) -> Self:
        """Learn which patches count, from bags and outcomes of training patients.

        Parameters
        ----------
        table : DataFrame indexed by patient_id
            One column ``patches`` of bags: of ``Cohort.patches``, or of
            :func:`~msfusion_sdk.bags.bag.bag_table`.
        y : DataFrame or Series indexed by patient_id
            ``time`` and ``event``, a class, or a number per patient; may hold more patients.

        Raises
        ------
        TableError
            When there is no outcome, or the column holds something else than bags.
        MissingModalityError
            When no patient has a bag.
        DegenerateSplitError
            When there are fewer than two events, or patients of a class.
        SettingError
            When ``n_components`` or ``max_patches`` is below 1, or ``members`` below 2.
        """
        self._fit(table, y)
        return self

    def fit_transform(
        self, table: pd.DataFrame, y: pd.DataFrame | pd.Series | None = None
    ) -> Block:
        """Fit, and return the training patients' scores by parts that did not learn from them."""
        scores = self._fit(table, y)
        checked = patient_table(table)
        rows = [scores.get(patient) for patient in checked.index]
        values = np.array([np.zeros(len(self.names_)) if row is None else row for row in rows])
        return Block.of(checked.index, values, self.names_, [row is not None for row in rows])

    def transform(self, table: pd.DataFrame) -> Block:
        """Return the scores of all patients; an empty cell is an absent patient.

        Raises
        ------
        TableError
            When the column holds something else than bags.
        ShapeError
            When patches have another length than those of training.
        """
        check_is_fitted(self)
        bags = _bags(table)
        values = np.zeros((len(bags), len(self.names_)))
        for row, bag in enumerate(bags):
            if bag is not None:
                values[row] = self.attention_.judge(bag.read()).score
        return Block.of(bags.index, values, self.names_, bags.notna())

    def state(self) -> AdapterState:
        """Return everything ``fit`` learned."""
        check_is_fitted(self)
        learned = {"names": self.names_, "kind": self.attention_.kind}
        return AdapterState(learned, self.attention_.arrays())

    def load_state(self, learned: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Become what ``state`` described, without fitting; returns the adapter."""
        self.names_ = list(learned["names"])
        self.attention_ = LearnedAttention.from_arrays(learned["kind"], arrays)
        return self

    def _require_possible_settings(self) -> None:
        """Refuse numbers with which nothing can be learned."""
        least = {"n_components": 1, "members": 2, "max_patches": 1}
        for name, lowest in least.items():
            value = getattr(self, name)
            if name == "members" and value is None:
                continue
            if not isinstance(value, Integral) or value < lowest:
                msg = f"{name} must be a whole number from {lowest} on, and is {value!r}."
                raise SettingError(msg)

    def _fit(self, table: pd.DataFrame, y: pd.DataFrame | pd.Series | None) -> dict[str, Floats]:
        """Fit, and return the held-out score of each patient who has a bag."""
        # Sorted, so that the order of a table decides nothing.
        bags = _bags(table).dropna().sort_index()
        if bags.empty:
            msg = "No training patient has a bag of patches. Leave that table out of this fit."
            raise MissingModalityError(msg)
        target, self.names_ = target_of(y, list(bags.index))
        self._require_possible_settings()
        settings = Settings(
            self.head,
            self.n_components,
            self.members,
            self.max_patches,
            self.loss,
            self.random_state,
        )
        self.attention_, held_out = fit_attention(list(bags), target, settings)
        return dict(zip(bags.index, held_out, strict=True))


def _bags(table: pd.DataFrame) -> "pd.Series[Any]":
    """Return the column of bags, None where a patient has none."""
    column = select_columns(table, [PATCHES], "the table of bags")[PATCHES]
    wrong = [value for value in column if not isinstance(value, Bag) and not pd.isna(value)]
    if wrong:
        msg = (
            f"The column {PATCHES!r} holds {type(wrong[0]).__name__} in {len(wrong)} of "
            f"{len(column)} rows, and must hold bags: make it by Cohort.patches or bag_table."
        )
        raise TableError(msg)
    return column.astype(object).where(column.notna(), None)
