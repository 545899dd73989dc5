"""Ridge Cox regression by Newton steps, exact also with more features than patients.

With ``n`` the number of patients (or the sum of their weights) the coefficients minimise

    -log partial likelihood(coef) / n + penalty / 2 · ‖coef‖²,

which is lifelines' ``penalizer`` on columns of unit standard deviation (lifelines divides
by it, this does not; scale the columns first so that the penalty treats them alike) and
scikit-survival's ``alpha`` divided by ``n``.

Sources: Cox, JRSS B 34 (1972) 187-220; Efron, JASA 72 (1977) 557-565, for ties; the rotation
that makes many features cheap is Hastie & Tibshirani, Biostatistics 5 (2004) 329-340.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from msfusion_sdk.arrays import Floats
from msfusion_sdk.components import principal_axes
from msfusion_sdk.errors import DegenerateSplitError, MsfusionWarning
from msfusion_sdk.phrases import first_few
from msfusion_sdk.survival.checks import (
    require_entry,
    require_events,
    require_horizons,
    require_labels,
    require_numbers,
    require_table,
    require_weights,
)
from msfusion_sdk.survival.cox.newton import cox_problem, cumulative_hazard, minimise
from msfusion_sdk.survival.cox.risk_sets import Ties

__all__ = ["CoxFit", "CurveWarning", "fit_cox", "fit_cox_path"]

NO_SPREAD = 1e-6


class CurveWarning(MsfusionWarning, UserWarning):
    """A survival curve that says less than it seems to."""


@dataclass(frozen=True, eq=False)
class CoxFit:
    """A fitted Cox model.

    Parameters
    ----------
    coef : float64, shape (feature,)
        Log-hazard per unit of each feature; positive means an earlier event.
    mean : float64, shape (feature,)
        (Weighted) mean of the training patients: whoever has it has log-hazard 0.
    times : float64, shape (step,)
        Times of the training events, ascending and unique.
    cumulative_hazard : float64, shape (step,)
        Baseline of log-hazard 0 up to and including each time (Breslow's estimate).
    log_likelihood : float
        Partial, without the penalty.
    n_iter : int
        Newton steps that were taken.
    penalty : float
        That it was fitted with.
    """

    coef: Floats
    mean: Floats
    times: Floats
    cumulative_hazard: Floats
    log_likelihood: float
    n_iter: int
    penalty: float

    def predict_log_hazard(self, values: ArrayLike) -> Floats:
        """Return the log-hazard of each patient, shape (patient,); higher = earlier event.

        Parameters
        ----------
        values : shape (patient, feature)
            In the columns of training.
        """
        table = np.asarray(values, np.float64)
        checked = require_numbers("values", table, (len(table), len(self.coef)))
        log_hazard: Floats = (checked - self.mean) @ self.coef
        return log_hazard

    def predict_survival(self, values: ArrayLike, times: ArrayLike) -> Floats:
        """Return the chance of no event up to each of ``times``, shape (patient, time).

        After the last training event the curve stays as it is: the data say nothing there.

        Parameters
        ----------
        values : shape (patient, feature)
        times : shape (time,), ascending
        """
        steps = np.searchsorted(self.times, require_horizons(times), side="right")
        # Before the first event the hazard is 0: that is step 0.
        baseline = np.concatenate([[0.0], self.cumulative_hazard])[steps]
        log_hazard = self.predict_log_hazard(values)
        # In logarithms a hazard beyond the largest float gives 0, and one of 0 gives 1.
        with np.errstate(over="ignore", divide="ignore"):
            survival: Floats = np.exp(-np.exp(log_hazard[:, None] + np.log(baseline)))
        return survival


def fit_cox(
    values: ArrayLike,
    *,
    time: ArrayLike,
    event: ArrayLike,
    penalty: float,
    weights: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    ties: Ties = "efron",
) -> CoxFit:
    """Return the ridge Cox model of ``values``.

    Parameters
    ----------
    values : shape (patient, feature)
        Constant and collinear columns are fine when ``penalty`` is above 0.
    time, event : shape (patient,)
    penalty : float, at least 0
        Of the objective above.
    weights : shape (patient,), optional
        At least 0; their scale does not matter.
    entry : shape (patient,), optional
        When each patient came under observation (left truncation), below ``time``: at risk is
        who has ``entry < t <= time``.
    ties : 'efron' or 'breslow'

    Raises
    ------
    ShapeError
        When the sizes do not fit together.
    DegenerateSplitError
        When there is no event, or without a penalty the coefficients are not determined.
    """
    return fit_cox_path(
        values, time=time, event=event, penalties=[penalty], weights=weights, entry=entry, ties=ties
    )[0]


def fit_cox_path(
    values: ArrayLike,
    *,
    time: ArrayLike,
    event: ArrayLike,
    penalties: Sequence[float],
    weights: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    ties: Ties = "efron",
) -> list[CoxFit]:
    """Return one model per penalty, in the order of ``penalties``.

    The same models as one call of :func:`fit_cox` each, and faster: the features are rotated
    once and each fit starts where the one before ended.

    Parameters
    ----------
    values, time, event, weights, entry, ties
        As in :func:`fit_cox`.
    penalties : sequence of float, each at least 0

    Raises
    ------
    ShapeError, DegenerateSplitError
        As :func:`fit_cox`.
    """
    times, events = require_labels(time, event)
    table = require_table(values, len(times))
    _require_penalties(penalties)
    weight = np.ones(len(times)) if weights is None else require_weights(weights, times.shape)
    # Who weighs nothing would still add times of events, at risk of which may be nobody.
    counted = weight > 0
    entries = None if entry is None else require_entry(entry, times)[counted]
    require_events(events[counted], "A Cox model")
    mean = weight @ table / weight.sum()
    centred = table[counted] - mean
    # With a penalty there is always one optimum, whatever the rank.
    if min(penalties) == 0:
        _require_full_rank(centred)
    components, rotation = _rotated(centred)
    problem = cox_problem(
        components, times[counted], events[counted], weight[counted], ties, entries
    )
    fits, point = [], np.zeros(components.shape[1])
    for penalty in penalties:
        solution = minimise(problem, penalty, point)
        point = solution.point
        coef = point if rotation is None else rotation @ point
        baseline = cumulative_hazard(problem, point)
        fits.append(CoxFit(coef, mean, *baseline, *solution[1:], penalty=penalty))
    return fits


def _rotated(centred: Floats) -> tuple[Floats, Floats | None]:
    """Return at most as many columns as patients, and the matrix that turns back.

    The ridge optimum is a combination of rows, so with ``centred = U S V.T`` it is ``V c`` for
    the optimum ``c`` of the columns ``U S``, with the same norm.  U and S come from the
    products of patients with patients, five times quicker than from ``centred`` itself;
    directions below ``NO_SPREAD`` of the largest, which that cannot resolve, hold nothing.
    """
    patients, features = centred.shape
    if features <= patients:
        return centred, None
    found = principal_axes(centred, least=NO_SPREAD)
    return found.scores, found.axes


def _require_penalties(penalties: Sequence[float]) -> None:
    if not penalties or not all(np.isfinite(p) and p >= 0 for p in penalties):
        msg = f"Penalties must be finite and at least 0, and are {list(penalties)}."
        raise ValueError(msg)


def _require_full_rank(centred: Floats) -> None:
    rank, features = int(np.linalg.matrix_rank(centred)), centred.shape[1]
    if rank < features:
        constant = np.flatnonzero(~centred.any(axis=0)).tolist()
        msg = (
            f"Without a penalty {features} coefficients cannot be estimated: the features have "
            f"rank {rank} (constant columns: {first_few(constant) or 'none'}). Set penalty above "
            "0, or drop columns."
        )
        raise DegenerateSplitError(msg)
