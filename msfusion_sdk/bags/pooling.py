"""Attention pooling as pure functions: logits to weights, patches to one score.

Source: Ilse, Tomczak and Welling, ICML 2018, arXiv:1802.04712: equation 9 (gated attention) and
equation 7 (the weighted mean).  Axes: bag, patch, column (of a patch vector), output (of a score).
"""

import torch
from torch import Tensor

__all__ = ["attention_weights", "gated_logits", "pooled"]


def gated_logits(patches: Tensor, tanh: Tensor, gate: Tensor, mix: Tensor) -> Tensor:
    """Return how much each patch calls for attention, before any comparison with others.

    Parameters
    ----------
    patches : shape (..., patch, column)
    tanh, gate : shape (unit, column + 1)
        V and U of the paper, each with its intercept as the last column.
    mix : shape (branch, unit)
        w of the paper; one row is one way to weigh the patches.

    Returns
    -------
    Tensor, shape (..., patch, branch)
        ``w · (tanh(V h) ⊙ sigmoid(U h))``; higher means a larger weight.
    """
    hidden = torch.tanh(_affine(patches, tanh)) * torch.sigmoid(_affine(patches, gate))
    return hidden @ mix.T


def attention_weights(logits: Tensor, there: Tensor) -> Tensor:
    """Return weights that sum to 1 over the patches of each bag, 0 for those that are not there.

    Parameters
    ----------
    logits : shape (bag, patch, branch)
    there : bool, shape (bag, patch)
        False for padding; every bag has a patch.
    """
    # exp(-inf) is exactly 0: padding has no weight, and no gradient.
    return logits.masked_fill(~there[..., None], -torch.inf).softmax(1)


def pooled(values: Tensor, weights: Tensor) -> Tensor:
    """Return the sum of weighted values over the patches of each bag, shape (bag, output).

    Weighing patch vectors and then mapping them linearly is the same sum; in this order each
    patch has a share of the score.

    Parameters
    ----------
    values : Tensor, shape (bag, patch, output)
        What each patch alone scores.
    weights : Tensor, shape (bag, patch, output)
        They sum to one over the patches of a bag.
    """
    return (weights * values).sum(1)


def _affine(patches: Tensor, matrix: Tensor) -> Tensor:
    return patches @ matrix[:, :-1].T + matrix[:, -1]
