import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from msfusion_sdk import EncoderConfig, SlideEncoder
from msfusion_sdk.encoder.networks.attention_weights import fuse_patches, fuse_tiles, raw_weights

RULES = ("normalised", "softmax", "uniform")


def slow_weights(scores: list[float], rule: str) -> list[float]:
    raw = {"normalised": lambda s: s, "softmax": math.exp, "uniform": lambda _: 1.0}[rule]
    total = sum(raw(s) for s in scores)
    return [raw(s) / total for s in scores]


def doubles(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("rule", RULES)
def test_patch_vectors_are_the_weighted_sums_of_context_beside_tile(rule: str) -> None:
    context, tiles, scores = doubles(3, 5), doubles(3, 4, 5, seed=1), doubles(3, 4, seed=2)
    found = fuse_tiles(context, tiles, scores, rule)
    for p in range(3):
        expected = [0.0] * 10
        for i, w in enumerate(slow_weights(scores[p].tolist(), rule)):
            both = context[p].tolist() + tiles[p, i].tolist()
            expected = [e + w * b for e, b in zip(expected, both, strict=True)]
        assert found[p].tolist() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_the_slide_vector_is_the_weighted_sum_of_patch_vectors(rule: str) -> None:
    patches, scores = doubles(6, 4), doubles(6, seed=1)
    weights = slow_weights(scores.tolist(), rule)
    expected = [sum(w * patches[p, d].item() for p, w in enumerate(weights)) for d in range(4)]
    assert fuse_patches(patches, scores, rule).tolist() == pytest.approx(expected, rel=1e-12)


def test_softmax_is_that_of_torch() -> None:
    patches, scores = doubles(6, 4), doubles(6, seed=1)
    expected = scores.softmax(0) @ patches
    assert torch.allclose(fuse_patches(patches, scores, "softmax"), expected, rtol=1e-12)


def test_uniform_weights_give_the_plain_mean() -> None:
    patches = doubles(7, 4)
    assert torch.allclose(fuse_patches(patches, doubles(7), "uniform"), patches.mean(0))


scores_of_a_slide = arrays(np.float64, st.integers(1, 30), elements=st.floats(1e-6, 1 - 1e-6))


@settings(max_examples=60)
@given(scores_of_a_slide, st.sampled_from(RULES))
def test_weights_sum_to_one(scores: np.ndarray, rule: str) -> None:
    ones = torch.ones(len(scores), 1, dtype=torch.float64)
    assert fuse_patches(ones, torch.from_numpy(scores), rule).item() == pytest.approx(1, rel=1e-12)


@settings(max_examples=60)
@given(scores_of_a_slide, st.sampled_from(RULES), st.randoms(use_true_random=False))
def test_the_order_of_patches_does_not_matter(
    scores: np.ndarray, rule: str, random: "np.random.Generator"
) -> None:
    patches, v = doubles(len(scores), 3), torch.from_numpy(scores)
    order = list(range(len(scores)))
    random.shuffle(order)
    moved = fuse_patches(patches[order], v[order], rule)
    assert torch.allclose(moved, fuse_patches(patches, v, rule), rtol=1e-12)


@settings(max_examples=60)
@given(scores_of_a_slide, st.sampled_from(RULES))
def test_a_higher_score_never_weighs_less(scores: np.ndarray, rule: str) -> None:
    weights = raw_weights(torch.from_numpy(np.sort(scores)), rule)
    assert (weights.diff() >= 0).all()


@pytest.mark.parametrize("rule", RULES)
def test_gradients_match_finite_differences(rule: str) -> None:
    context, tiles = doubles(2, 3).requires_grad_(), doubles(2, 4, 3, seed=1).requires_grad_()
    tile_scores, v = doubles(2, 4, seed=2).requires_grad_(), doubles(2, seed=3).requires_grad_()

    def fuse(c: torch.Tensor, t: torch.Tensor, w: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
        return fuse_patches(fuse_tiles(c, t, w, rule), s, rule)

    assert torch.autograd.gradcheck(fuse, (context, tiles, tile_scores, v))


@pytest.mark.parametrize("part", ["context", "detail"])
def test_the_slide_vector_trains_both_networks_and_their_attention(
    random_encoder: SlideEncoder, part: str
) -> None:
    assert random_encoder.config.fusion == EncoderConfig().fusion
    network = getattr(random_encoder.model, part).features
    noise = torch.randint(0, 256, (2, 3, 128, 128), generator=torch.Generator().manual_seed(0))
    wanted = [network.stem[0].weight, network.last_attention.conv.weight]
    gradients = torch.autograd.grad(random_encoder.forward(noise).square().sum(), wanted)
    assert all(g.isfinite().all() and g.abs().max() > 0 for g in gradients)
