"""Dropout by bytes drops the share that it is told to, and nothing when nothing is trained."""

import pytest
import torch

from msfusion_sdk.bags.dropout import ByteDropout


@pytest.mark.parametrize("share", [0.25, 0.5, 0.0])
def test_as_many_are_dropped_and_the_mean_stays(share: float) -> None:
    torch.manual_seed(0)
    found = ByteDropout(share)(torch.ones(1001, 99))
    # Of 99,099 numbers the share has a deviation of 0.0016 at most.
    assert (found == 0).float().mean().item() == pytest.approx(share, abs=0.008)
    assert found.unique().tolist()[-1] == pytest.approx(1 / (1 - share))
    assert found.mean().item() == pytest.approx(1, abs=0.016)


def test_neighbours_are_dropped_independently() -> None:
    torch.manual_seed(0)
    dropped = ByteDropout(0.25)(torch.ones(100_000)) == 0
    both = (dropped[1:] & dropped[:-1]).float().mean().item()
    assert both == pytest.approx(1 / 16, abs=0.004)


def test_a_trained_head_drops_nothing() -> None:
    values = torch.randn(5, 7)
    assert ByteDropout(0.5).eval()(values) is values


def test_what_was_dropped_has_no_gradient() -> None:
    values = torch.ones(40, requires_grad=True)
    found = ByteDropout(0.5)(values)
    found.sum().backward()
    assert values.grad is not None
    torch.testing.assert_close(values.grad, found.detach())
