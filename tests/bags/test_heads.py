"""Every head gives shares that sum to its score, whatever the order and the padding."""

import numpy as np
import pytest
import torch

from msfusion_sdk.bags.heads import HEADS, BagHead, Head, Start, make_head


@pytest.fixture(params=HEADS)
def head(request: pytest.FixtureRequest) -> BagHead:
    torch.manual_seed(0)
    return make_head(request.param, 5, 3).eval()


def test_weights_sum_to_one_for_each_output(head: BagHead) -> None:
    shares = head(torch.randn(2, 9, 5), torch.ones(2, 9, dtype=torch.bool))
    assert shares.weights.shape == shares.values.shape == (2, 9, 3)
    torch.testing.assert_close(shares.weights.sum(1), torch.ones(2, 3))


def test_the_score_does_not_depend_on_the_order_of_patches(head: BagHead) -> None:
    bag, there = torch.randn(1, 9, 5), torch.ones(1, 9, dtype=torch.bool)
    turned = bag[:, torch.randperm(9)]
    torch.testing.assert_close(head(bag, there).scores, head(turned, there).scores)


def test_padding_changes_no_score(head: BagHead) -> None:
    bag = torch.randn(1, 6, 5)
    padded = torch.cat([bag, torch.full((1, 4, 5), 50.0)], 1)
    there = torch.tensor([[True] * 6 + [False] * 4])
    torch.testing.assert_close(head(padded, there).scores, head(bag, there[:, :6]).scores)


def test_every_weight_of_a_head_learns(head: BagHead) -> None:
    bags, there = torch.randn(4, 20, 5), torch.ones(4, 20, dtype=torch.bool)
    codes = torch.tensor([0, 1, 2, 1])
    loss = head(bags, there).scores.square().sum() + head.extra_loss(bags, there, codes)
    loss.backward()
    assert all(p.grad is not None and p.grad.any() for p in head.parameters())


def test_max_takes_the_patch_of_the_highest_value() -> None:
    torch.manual_seed(0)
    shares = make_head("max", 5, 2).eval()(torch.randn(1, 8, 5), torch.ones(1, 8, dtype=torch.bool))
    torch.testing.assert_close(shares.scores, shares.values.amax(1))


def test_an_unknown_head_is_an_error_that_lists_them() -> None:
    with pytest.raises(ValueError, match="gated, mean, max"):
        make_head("median", 5, 2)


@pytest.mark.parametrize("kind", ["gated", "clam"])
def test_attention_begins_where_it_is_told_to(kind: Head) -> None:
    torch.manual_seed(0)
    head, rng = make_head(kind, 5, 3).eval(), np.random.default_rng(0)
    look, read, level = (rng.normal(size=s).astype(np.float32) for s in (5, (5, 3), 3))
    head.begin(Start(look, read, level))
    bag = rng.normal(size=(9, 5)).astype(np.float32)
    shares = head(torch.from_numpy(bag)[None], torch.ones(1, 9, dtype=torch.bool))
    np.testing.assert_allclose(shares.values[0].detach(), bag @ read - level, atol=1e-5)
    logits = np.log(shares.weights[0, :, 0].detach().numpy())
    # What the other units add is as random as before, and small.
    assert np.corrcoef(logits, bag @ look)[0, 1] > 0.99
