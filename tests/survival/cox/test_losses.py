import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from lifelines import CoxPHFitter

from msfusion_sdk.errors import DegenerateSplitError, ShapeError, SurvivalLabelError
from msfusion_sdk.survival.cox.losses import cox_loss, discrete_nll, event_bins

from ..conftest import Patients

INF = math.inf


def tensors(p: Any) -> dict[str, torch.Tensor]:
    return {
        "risk": torch.tensor(p.risk),
        "time": torch.tensor(p.time),
        "event": torch.tensor(p.event),
    }


def slow_cox(p: Any, ties: str) -> float:
    """Return the loss event by event, as the papers write it."""
    total = 0.0
    for t in sorted(set(p.time[p.event])):
        died = np.flatnonzero((p.time == t) & p.event)
        at_risk = np.exp(p.risk[p.time >= t]).sum()
        for k, i in enumerate(died):
            left = k / len(died) * np.exp(p.risk[died]).sum() if ties == "efron" else 0.0
            total += math.log(at_risk - left) - p.risk[i]
    return total / p.event.sum()


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_the_cox_loss_is_the_slow_sum_over_events(
    make_patients: Callable[..., Patients], ties: str
) -> None:
    p = make_patients(50)
    assert len(set(p.time[p.event])) < p.event.sum()  # some are tied
    found = cox_loss(**tensors(p), ties=ties)
    assert found.item() == pytest.approx(slow_cox(p, ties), abs=1e-12)


def test_with_efron_ties_it_is_the_likelihood_of_lifelines(
    make_patients: Callable[..., Patients],
) -> None:
    p = make_patients(60)
    frame = pd.DataFrame({"x": p.risk, "time": p.time, "event": p.event})
    fitted = CoxPHFitter().fit(frame, "time", "event")
    best = p._replace(risk=p.risk * fitted.params_["x"])
    expected = -fitted.log_likelihood_ / p.event.sum()
    assert cox_loss(**tensors(best)).item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_gradients_of_the_cox_loss_match_finite_differences(
    make_patients: Callable[..., Patients], ties: str
) -> None:
    parts = tensors(make_patients(20))
    risk = parts.pop("risk").requires_grad_()
    assert torch.autograd.gradcheck(lambda r: cox_loss(risk=r, **parts, ties=ties), (risk,))


def test_the_order_of_patients_does_not_matter(make_patients: Callable[..., Patients]) -> None:
    parts = tensors(make_patients(40))
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    moved = {name: part[order] for name, part in parts.items()}
    assert cox_loss(**moved).item() == pytest.approx(cox_loss(**parts).item(), abs=1e-12)


@pytest.mark.parametrize("size", [1e-8, 1.0, 1e4])
def test_the_cox_loss_and_its_gradient_stay_finite_for_any_size_of_risk(
    make_patients: Callable[..., Patients], size: float
) -> None:
    parts = tensors(make_patients(40))
    risk = (parts.pop("risk") * size).float().requires_grad_()
    loss = cox_loss(risk=risk, **parts)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert risk.grad.isfinite().all()


def test_adding_a_number_to_all_risks_changes_nothing(
    make_patients: Callable[..., Patients],
) -> None:
    parts = tensors(make_patients(40))
    shifted = {**parts, "risk": parts["risk"] + 500}
    assert cox_loss(**shifted).item() == pytest.approx(cox_loss(**parts).item(), abs=1e-9)


def test_a_batch_of_one_patient_with_an_event_has_loss_zero() -> None:
    loss = cox_loss(risk=torch.tensor([3.0]), time=torch.tensor([1.0]), event=torch.tensor([True]))
    assert loss.item() == 0


def test_a_batch_without_events_is_an_error() -> None:
    with pytest.raises(DegenerateSplitError, match="batch of 4 patients has none"):
        cox_loss(risk=torch.zeros(4), time=torch.ones(4), event=torch.zeros(4, dtype=bool))


@pytest.mark.parametrize(
    ("risk", "time", "event"),
    [((4, 1), (4,), (4,)), ((4,), (4, 1), (4,)), ((4,), (4,), (4, 1)), ((4, 1), (4, 1), (4, 1))],
)
def test_columns_do_not_broadcast_against_rows(
    risk: tuple[int, ...], time: tuple[int, ...], event: tuple[int, ...]
) -> None:
    with pytest.raises(ShapeError, match=r"\(4, 1\)"):
        cox_loss(risk=torch.zeros(risk), time=torch.ones(time), event=torch.ones(event))


def test_integer_events_mask_and_never_select_rows(make_patients: Callable[..., Patients]) -> None:
    parts = tensors(make_patients(30))
    as_integers = {**parts, "event": parts["event"].long()}
    assert cox_loss(**as_integers).item() == cox_loss(**parts).item()


@pytest.mark.parametrize(("time", "event"), [(-1.0, 1), (math.nan, 1), (INF, 1), (1.0, 2)])
def test_labels_that_cannot_be_true_are_refused(time: float, event: int) -> None:
    with pytest.raises(SurvivalLabelError, match="must be"):
        cox_loss(
            risk=torch.zeros(2), time=torch.tensor([1.0, time]), event=torch.tensor([1, event])
        )


def test_bins_hold_equally_many_events_and_ignore_the_censored() -> None:
    time = [1, 2, 3, 4, 5, 6, 7, 8, 100, 200]
    event = [True] * 8 + [False] * 2
    edges = event_bins(time=time, event=event, n_bins=4)
    assert edges.tolist() == [0, 2.75, 4.5, 6.25, INF]
    assert np.histogram(time[:8], edges)[0].tolist() == [2, 2, 2, 2]


def test_quantiles_that_coincide_give_fewer_bins() -> None:
    edges = event_bins(time=[5, 5, 5, 5, 9], event=[True] * 5, n_bins=4)
    assert edges.tolist() == [0, 5, INF]


def test_events_at_time_zero_give_no_empty_bin() -> None:
    edges = event_bins(time=[0, 0, 0, 4], event=[True] * 4, n_bins=2)
    assert edges.tolist() == [0, INF]


def test_bins_without_events_are_an_error() -> None:
    with pytest.raises(DegenerateSplitError, match="Time bins"):
        event_bins(time=[1, 2], event=[False, False], n_bins=4)


def test_there_is_at_least_one_bin() -> None:
    assert event_bins(time=[1, 2], event=[True, True], n_bins=1).tolist() == [0, INF]
    with pytest.raises(ValueError, match="at least 1, and is 0"):
        event_bins(time=[1, 2], event=[True, True], n_bins=0)


EDGES = np.array([0, 2, 4, INF])
LOGITS = torch.tensor([[0.3, -0.7, 1.1]], dtype=torch.float64)
H = [1 / (1 + math.exp(-x)) for x in LOGITS[0].tolist()]


@pytest.mark.parametrize(
    ("time", "event", "likelihood"),
    [
        (0.0, True, H[0]),
        (1.9, True, H[0]),
        (2.0, True, (1 - H[0]) * H[1]),
        (9.0, True, (1 - H[0]) * (1 - H[1]) * H[2]),
        (1.9, False, 1.0),  # nothing shows that the first bin was survived
        (2.0, False, 1 - H[0]),
        (9.0, False, (1 - H[0]) * (1 - H[1])),
    ],
)
def test_the_discrete_likelihood_is_that_written_by_hand(
    time: float, event: bool, likelihood: float
) -> None:
    loss = discrete_nll(
        logits=LOGITS,
        time=torch.tensor([time], dtype=torch.float64),
        event=torch.tensor([event]),
        edges=EDGES,
    )
    assert loss.item() == pytest.approx(-math.log(likelihood), abs=1e-12)


def test_the_discrete_loss_is_the_mean_over_patients() -> None:
    time, event = torch.tensor([1.0, 3.0]), torch.tensor([True, False])
    loss = discrete_nll(logits=LOGITS.expand(2, 3), time=time, event=event, edges=EDGES)
    expected = -(math.log(H[0]) + math.log(1 - H[0])) / 2
    assert loss.item() == pytest.approx(expected, abs=1e-12)


def test_gradients_of_the_discrete_loss_match_finite_differences() -> None:
    logits = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    time = torch.tensor([0.0, 1.0, 2.0, 3.0, 5.0, 9.0])
    event = torch.tensor([True, False, True, False, True, False])

    def loss(values: torch.Tensor) -> torch.Tensor:
        return discrete_nll(logits=values, time=time, event=event, edges=EDGES)

    assert torch.autograd.gradcheck(loss, (logits.requires_grad_(),))


def test_a_batch_without_events_still_trains_the_discrete_hazards() -> None:
    logits = torch.zeros(2, 3, requires_grad=True)
    time, event = torch.tensor([1.0, 5.0]), torch.tensor([False, False])
    discrete_nll(logits=logits, time=time, event=event, edges=EDGES).backward()
    assert logits.grad[0].tolist() == [0, 0, 0]
    assert (logits.grad[1, :2] > 0).all()


def test_logits_need_a_column_per_bin() -> None:
    with pytest.raises(ShapeError, match=r"\(2, 3\), from 2 times and 4 edges"):
        discrete_nll(logits=torch.zeros(2, 4), time=torch.ones(2), event=torch.ones(2), edges=EDGES)
