"""What every tile of a result weighs in its slide vector."""

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.encoder.result.embedding import SlideEmbedding

__all__ = ["relative_weights", "tile_weights"]


def tile_weights(result: SlideEmbedding) -> NDArray[np.float64]:
    """Return the weight of every tile in the slide vector, shape (patch, tile); they sum to 1."""
    weight = result.patches.column("weight").to_numpy().astype(np.float64)
    scores = result.patches.column("tile_scores").combine_chunks().flatten().to_numpy()
    scores = scores.reshape(len(weight), -1).astype(np.float64)
    rule = result.provenance.config.fusion.tile_weights
    if rule == "softmax":
        scores = np.exp(scores)
    elif rule == "uniform":
        scores = np.ones_like(scores)
    return np.asarray(weight[:, None] * scores / scores.sum(1, keepdims=True), np.float64)


def relative_weights(result: SlideEmbedding) -> tuple[NDArray[np.float64], float]:
    """Return the weight of every tile over the mean of all, and what colours should span.

    Returns
    -------
    relative : shape (patch, tile)
        1 counts as much as the average tile.
    reach : float
        Colours span 1 ± this: at least ±10 %, so that noise is not painted as contrast.
    """
    weights = tile_weights(result)
    # The weights sum to 1, so their mean is one over their number.
    relative = weights * weights.size
    return relative, max(0.1, float(np.abs(relative - 1).max()))
