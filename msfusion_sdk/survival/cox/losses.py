"""Survival losses for networks: Cox partial likelihood and discrete-time hazards.

Both compute in double precision and return the dtype of their first argument.
"""

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn.functional import logsigmoid

from msfusion_sdk.arrays import Floats
from msfusion_sdk.errors import DegenerateSplitError, ShapeError, SurvivalLabelError
from msfusion_sdk.survival.checks import require_events, require_labels
from msfusion_sdk.survival.cox.risk_sets import Ties

__all__ = ["cox_loss", "discrete_nll", "event_bins"]


def cox_loss(
    *,
    risk: Tensor,
    time: Tensor,
    event: Tensor,
    entry: Tensor | None = None,
    ties: Ties = "efron",
) -> Tensor:
    """Return the negative log partial likelihood per event; lower is better.

    The risk sets are those of the whole batch.  Batches have different ones, so their losses
    must not be averaged as if they were parts of one sum: give it all training patients, or
    batches with several events each.

    Parameters
    ----------
    risk : shape (patient,)
        Log-hazard; higher means an earlier event.
    time : shape (patient,)
        To the event, or to the end of follow-up.
    event : bool, shape (patient,)
        True where the event was seen.
    entry : shape (patient,), optional
        When each came under observation; costs time and memory of events times patients.
    ties : 'efron' or 'breslow'

    Returns
    -------
    Tensor, a scalar

    Raises
    ------
    ShapeError
        When the three are not all of shape (patient,); (patient, 1) would broadcast.
    SurvivalLabelError
        When a time or an event cannot be true.
    DegenerateSplitError
        When the batch holds no event.

    Notes
    -----
    Sources: Cox, JRSS B 34 (1972) 187-220; Efron, JASA 72 (1977) 557-565; Breslow,
    Biometrics 30 (1974) 89-99.
    """
    if risk.ndim != 1:
        msg = f"risk must have shape (patient,), and has {tuple(risk.shape)}. Use risk.squeeze(1)."
        raise ShapeError(msg)
    event = _require_event(time, event, risk.shape)
    if not event.any():
        msg = (
            f"A Cox loss needs at least one event, and this batch of {len(event)} patients has "
            "none. Use larger batches, or draw patients with events into each."
        )
        raise DegenerateSplitError(msg)
    log_hazard = risk.double()
    died_risk = log_hazard[event]
    # Groups are the times at which events happened; a row of each quantity per event.
    death_times, group, deaths = torch.unique(time[event], return_inverse=True, return_counts=True)
    at_risk = _log_sum_at_risk(log_hazard, time, death_times, entry)[group]
    if ties == "efron":
        tied = _log_sum_by_group(died_risk, group, len(death_times))[group]
        left = _rank_in_group(group, deaths).double() / deaths[group]
        # log(at risk - share of the tied), without leaving logarithms, where exp() may overflow.
        at_risk = at_risk + torch.log1p(-left * (tied - at_risk).exp())
    return (at_risk - died_risk).mean().to(risk.dtype)


def event_bins(*, time: ArrayLike, event: ArrayLike, n_bins: int) -> Floats:
    """Return the edges of time bins that hold equally many events.

    Parameters
    ----------
    time, event : shape (patient,)
        Of training patients only: edges that know the other patients leak.
    n_bins : int, at least 1
        Fewer come back where quantiles of the event times coincide.

    Returns
    -------
    float64, shape (bin + 1,)
        Ascending and unique, from 0 to infinity.  Bin k holds ``edges[k] <= time < edges[k + 1]``.

    Raises
    ------
    DegenerateSplitError
        When there is no event.
    """
    if n_bins < 1:
        msg = f"n_bins must be at least 1, and is {n_bins}."
        raise ValueError(msg)
    times, events = require_labels(time, event)
    require_events(events, "Time bins")
    inner = np.quantile(times[events], np.arange(1, n_bins) / n_bins)
    return np.unique(np.concatenate([[0.0], inner, [np.inf]]))


def discrete_nll(
    *, logits: Tensor, time: Tensor, event: Tensor, edges: Floats, entry: Tensor | None = None
) -> Tensor:
    """Return the mean negative log-likelihood of discrete-time hazards; lower is better.

    The hazard of bin k is ``sigmoid(logits[:, k])``: the chance of an event in the bin for
    those who reach it, so that survival to the end of bin k is the product of ``1 - hazard``
    up to and including k.  A patient with an event in bin k adds ``log hazard_k`` and
    ``log(1 - hazard_j)`` for all earlier j; a patient censored in bin k adds only the earlier
    ones, because nothing shows that the bin was survived.  Who came later counts from the bin of
    the entry on: to have reached it is a condition, not an observation.

    Parameters
    ----------
    logits : shape (patient, bin)
    time : shape (patient,)
        In the precision of ``edges`` (float64), since many events lie exactly on an edge.
    event : bool, shape (patient,)
        May be False throughout.
    edges : float64, shape (bin + 1,)
        Of :func:`event_bins`.
    entry : shape (patient,), optional
        When each came under observation, below ``time``; without it all at 0.

    Returns
    -------
    Tensor, a scalar

    Raises
    ------
    ShapeError
        When the sizes do not fit together.
    SurvivalLabelError
        When a time or an event cannot be true.

    Notes
    -----
    Source: Kvamme & Borgan, Lifetime Data Analysis 27 (2021) 710-736.
    """
    patients, bins = len(time), len(edges) - 1
    if logits.shape != (patients, bins):
        expected = f"({patients}, {bins}), from {patients} times and {len(edges)} edges"
        msg = f"logits must have shape {expected}, and has {tuple(logits.shape)}."
        raise ShapeError(msg)
    event = _require_event(time, event, logits.shape[:1])
    values = logits.double()
    inner = torch.as_tensor(edges[1:-1], dtype=torch.float64, device=time.device)
    # A time on an edge belongs to the bin that begins there.
    own = torch.bucketize(time.double(), inner, right=True)[:, None]
    places = torch.arange(bins, device=time.device)
    passed = places < own
    if entry is not None:
        came = torch.bucketize(_require_entry(entry, time), inner, right=True)
        passed &= places >= came[:, None]
    survived = torch.where(passed, logsigmoid(-values), 0.0).sum(1)
    died = logsigmoid(values).gather(1, own).squeeze(1)
    return -(survived + torch.where(event, died, 0.0)).mean().to(logits.dtype)


def _require_event(time: Tensor, event: Tensor, shape: tuple[int, ...]) -> Tensor:
    if time.shape != shape or event.shape != shape:
        msg = (
            f"time {tuple(time.shape)} and event {tuple(event.shape)} must have shape "
            f"{tuple(shape)}, one row per patient. Use squeeze(1) on a column."
        )
        raise ShapeError(msg)
    if not (time.isfinite() & (time >= 0)).all():
        msg = f"time must be finite and at least 0, and runs from {time.min()} to {time.max()}."
        raise SurvivalLabelError(msg)
    if not ((event == 0) | (event == 1)).all():
        msg = f"event must be True or False, and runs from {event.min()} to {event.max()}."
        raise SurvivalLabelError(msg)
    # Integers would select rows 0 and 1 instead of masking.
    return event.bool()


def _require_entry(entry: Tensor, time: Tensor) -> Tensor:
    if entry.shape != time.shape:
        msg = f"entry {tuple(entry.shape)} must have the shape of time, {tuple(time.shape)}."
        raise ShapeError(msg)
    if not (entry < time).all():
        msg = "entry must be below time for every patient: nobody is observed without a duration."
        raise SurvivalLabelError(msg)
    return entry.double()


def _log_sum_at_risk(
    log_hazard: Tensor, time: Tensor, death_times: Tensor, entry: Tensor | None
) -> Tensor:
    """Return, per time of ``death_times``, the log of the summed hazards of all at risk then."""
    if entry is not None:
        # A running sum less those who have not entered would lose the digits of few at risk.
        is_there = (entry < death_times[:, None]) & (time >= death_times[:, None])
        return log_hazard.expand(is_there.shape).masked_fill(~is_there, -torch.inf).logsumexp(1)
    latest_first = time.argsort(descending=True)
    running = log_hazard[latest_first].logcumsumexp(0)
    # Ascending times, as it wants them; found is how many left before each event.
    followed = torch.searchsorted(time[latest_first].flip(0), death_times, right=False)
    return running[len(time) - followed - 1]


def _log_sum_by_group(values: Tensor, group: Tensor, groups: int) -> Tensor:
    # The maximum only keeps exp() finite, so no gradient goes through it.
    top = values.detach().new_full((groups,), -torch.inf)
    top = top.scatter_reduce(0, group, values.detach(), "amax")
    sums = values.new_zeros(groups).index_add(0, group, (values - top[group]).exp())
    return sums.log() + top


def _rank_in_group(group: Tensor, counts: Tensor) -> Tensor:
    """Return 0, 1, 2, … within each group, in any order."""
    order = group.argsort()
    first = counts.cumsum(0) - counts
    rank = torch.empty_like(group)
    rank[order] = torch.arange(len(group), device=group.device) - first[group[order]]
    return rank
