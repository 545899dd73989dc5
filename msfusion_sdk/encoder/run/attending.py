"""A slide vector fused anew, by attention over its patches that was learned from outcomes."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from msfusion_sdk.bags.bag import vectors_of_rows
from msfusion_sdk.bags.learned import LearnedAttention
from msfusion_sdk.encoder.result.embedding import SlideEmbedding

__all__ = ["attended"]


def attended(result: SlideEmbedding, attention: LearnedAttention) -> SlideEmbedding:
    """Return the same result with the weights of ``attention``, and the vector that they give."""
    if result.vector is None:
        return result
    vectors = vectors_of_rows(result.patches)
    weights = attention.judge(vectors).weights
    place = result.patches.schema.get_field_index("weight")
    column = pa.array(weights.astype(np.float32))
    patches = result.patches.set_column(place, result.patches.schema.field(place), column)
    return replace(result, vector=(weights @ vectors).astype(np.float32), patches=patches)
