"""Attention pooling against the paper's formula written out slowly, and gradients by hand."""

import numpy as np
import pytest
import torch

from msfusion_sdk.bags import attention_weights, gated_logits, pooled


@pytest.fixture
def layers() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    shapes = {"tanh": (3, 6), "gate": (3, 6), "mix": (2, 3)}
    return {name: torch.randn(shape, dtype=torch.float64) for name, shape in shapes.items()}


def slow_weights(bag: np.ndarray, layers: dict[str, torch.Tensor], branch: int) -> np.ndarray:
    """Equation 9 of Ilse et al., a patch at a time."""
    v, u, w = (layers[name].numpy() for name in ("tanh", "gate", "mix"))
    calls = []
    for patch in bag:
        hidden = np.append(patch, 1.0)
        units = [np.tanh(v[k] @ hidden) / (1 + np.exp(-u[k] @ hidden)) for k in range(len(v))]
        calls.append(np.exp(sum(w[branch, k] * units[k] for k in range(len(v)))))
    return np.array(calls) / sum(calls)


def test_gated_attention_is_the_formula_of_the_paper(layers: dict[str, torch.Tensor]) -> None:
    bag = torch.randn(7, 5, dtype=torch.float64)
    logits = gated_logits(bag[None], **layers)
    weights = attention_weights(logits, torch.ones(1, 7, dtype=torch.bool))
    for branch in (0, 1):
        expected = slow_weights(bag.numpy(), layers, branch)
        np.testing.assert_allclose(weights[0, :, branch].numpy(), expected, rtol=1e-12)


def test_padding_has_no_weight_and_changes_none(layers: dict[str, torch.Tensor]) -> None:
    bag = torch.randn(1, 4, 5, dtype=torch.float64)
    padded = torch.cat([bag, torch.full((1, 3, 5), 9.0, dtype=torch.float64)], 1)
    there = torch.tensor([[True] * 4 + [False] * 3])
    weights = attention_weights(gated_logits(padded, **layers), there)
    alone = attention_weights(gated_logits(bag, **layers), there[:, :4])
    torch.testing.assert_close(weights[:, :4], alone)
    assert not weights[:, 4:].any()


def test_the_gradient_of_the_pooled_score_is_that_derived_by_hand() -> None:
    # d/dl_i Σ softmax(l)_j v_j = w_i (v_i - Σ w_j v_j)
    logits = torch.tensor([[[0.3], [-1.0], [2.0]]], dtype=torch.float64, requires_grad=True)
    values = torch.tensor([[[1.0], [4.0], [-2.0]]], dtype=torch.float64)
    weights = attention_weights(logits, torch.ones(1, 3, dtype=torch.bool))
    pooled(values, weights).sum().backward()
    w, v = weights.detach().squeeze(), values.squeeze()
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad.squeeze(), w * (v - (w * v).sum()))


def test_gradients_of_the_layers_are_differences_of_the_score(
    layers: dict[str, torch.Tensor],
) -> None:
    bag, there = torch.randn(1, 4, 5, dtype=torch.float64), torch.ones(1, 4, dtype=torch.bool)
    leaves = [layer.requires_grad_() for layer in layers.values()]

    def score(*each: torch.Tensor) -> torch.Tensor:
        return pooled(bag[..., :2], attention_weights(gated_logits(bag, *each), there))

    assert torch.autograd.gradcheck(score, leaves)
