"""Attention fusion: scores to weights, tiles to a patch vector, patches to a slide vector.

Source: method step 5.  With ``v_p`` the context score of patch *p* and ``w_i`` the
score of its tile *i*,

    patch vector_p = context features ‖ Σ_i w_i · tile features_i / Σ_i w_i
    slide vector   = Σ_p v_p · patch vector_p / Σ_p v_p

The method writes the patch vector as Σ_i ŵ_i · [context ‖ tile_i] with ŵ summing to one:
the context half of that sum is the context features themselves.
"""

import torch
from torch import Tensor

from msfusion_sdk.config import WeightRule

__all__ = ["fuse_patches", "fuse_tiles", "raw_weights"]


def raw_weights(scores: Tensor, rule: WeightRule) -> Tensor:
    """Return weights that are proportional to the final ones, element by element.

    Because no element looks at another, a slide can be fused as a running sum and
    divided by the sum of the raw weights at the end.

    Parameters
    ----------
    scores : any shape, in (0, 1)
    rule : 'normalised' (the score itself), 'softmax' (its exponential), 'uniform' (one)
    """
    if rule == "normalised":
        return scores
    if rule == "softmax":
        # Scores lie in (0, 1), so exp() needs no guard against overflow.
        return scores.exp()
    return torch.ones_like(scores)


def fuse_tiles(context: Tensor, tiles: Tensor, tile_scores: Tensor, rule: WeightRule) -> Tensor:
    """Return patch vectors.

    Parameters
    ----------
    context : shape (patch, context features)
    tiles : shape (patch, tile, detail features)
    tile_scores : shape (patch, tile), in (0, 1)

    Returns
    -------
    Tensor, shape (patch, length)
        Context features first, then the weighted mean of the tile features.
    """
    weights = raw_weights(tile_scores, rule)
    weights = weights / weights.sum(1, keepdim=True)
    detail = (weights[..., None] * tiles).sum(1)
    return torch.cat([context, detail], 1)


def fuse_patches(patches: Tensor, context_scores: Tensor, rule: WeightRule) -> Tensor:
    """Return the slide vector, shape (length,), of patch vectors, shape (patch, length)."""
    weights = raw_weights(context_scores, rule)
    return (weights[:, None] * patches).sum(0) / weights.sum()
