"""The running sum that turns patches into a slide vector, however many there are."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from msfusion_sdk.config import EncoderConfig
from msfusion_sdk.encoder.networks.attention_weights import raw_weights
from msfusion_sdk.encoder.networks.model import PatchFeatures
from msfusion_sdk.errors import NonFiniteVectorError
from msfusion_sdk.storage.parquet import patch_schema

__all__ = ["PatchAccumulator", "PatchQualities"]


class PatchQualities(NamedTuple):
    """The quality of the patches of a batch."""

    columns: NDArray[np.float64]
    """Shape (patch, 5): focus, fold, bubble, pen, dust."""
    factors: NDArray[np.float64] | None
    """Shape (patch,): what weights are multiplied by; None where quality is only recorded."""


class PatchAccumulator:
    """Add batches of patches in order; ask for the vector and the patch table at the end.

    The sum is kept in double precision, so the vector does not depend on how the patches
    were cut into batches.
    """

    def __init__(self, config: EncoderConfig, l0_size_px: int) -> None:
        self._rule, self._l0_size_px = config.fusion.patch_weights, l0_size_px
        self._schema = patch_schema(
            config.vector_length, config.patches.tiles_per_patch, quality=config.qc is not None
        )
        self._weighted_sum = np.zeros(config.vector_length, np.float64)
        self._weight_sum = 0.0
        self._batches: list[pa.RecordBatch] = []
        self._weights: list[NDArray[np.float64]] = []

    def add(
        self,
        locations: list[tuple[int, int]],
        features: PatchFeatures,
        quality: PatchQualities | None = None,
    ) -> None:
        """Add a batch of patches.

        Parameters
        ----------
        quality : PatchQualities, optional
            Where the configuration measures it.

        Raises
        ------
        NonFiniteVectorError
            When the networks answered with NaN or infinity.
        """
        vectors, scores, tiles = (part.detach().float().cpu() for part in features)
        is_finite = torch.cat([vectors, scores[:, None], tiles], 1).isfinite().all(1)
        if not is_finite.all():
            # Of zeros and ones, ``argmin`` is the first zero.
            first = locations[int(is_finite.int().argmin())]
            msg = f"The networks gave NaN or infinity at location {first}. Try precision='fp32'."
            raise NonFiniteVectorError(msg)
        weights = raw_weights(scores.double(), self._rule).numpy()
        if quality is not None and quality.factors is not None:
            weights = weights * quality.factors
        self._weighted_sum += weights @ vectors.double().numpy()
        # The weights are raw: dividing by their sum is left to the end, when it is known.
        self._weight_sum += float(weights.sum())
        self._weights.append(weights)
        self._batches.append(self._record(locations, vectors, scores, tiles, quality))

    def vector(self) -> NDArray[np.float32]:
        """Return the slide vector, shape (length,)."""
        return (self._weighted_sum / self._weight_sum).astype(np.float32)

    def table(self) -> pa.Table:
        """Return a row per patch with its share of the slide vector."""
        if not self._batches:
            return self._schema.empty_table()
        share = np.concatenate(self._weights) / self._weight_sum
        table = pa.Table.from_batches(self._batches)
        column, field = self._schema.get_field_index("weight"), self._schema.field("weight")
        return table.set_column(column, field, pa.array(share.astype(np.float32)))

    def _record(
        self,
        locations: list[tuple[int, int]],
        vectors: torch.Tensor,
        scores: torch.Tensor,
        tiles: torch.Tensor,
        quality: PatchQualities | None,
    ) -> pa.RecordBatch:
        count = len(locations)
        xs, ys = zip(*locations, strict=True)
        size = np.full(count, self._l0_size_px, np.int64)
        columns = [
            pa.array(xs, pa.int64()),
            pa.array(ys, pa.int64()),
            pa.array(size),
            pa.array(scores.numpy()),
            pa.FixedSizeListArray.from_arrays(tiles.numpy().ravel(), tiles.shape[1]),
            pa.array(np.zeros(count, np.float32)),  # shares are known at the end
            pa.FixedSizeListArray.from_arrays(vectors.numpy().ravel(), vectors.shape[1]),
        ]
        if quality is not None:
            columns += [pa.array(column) for column in quality.columns.T.astype(np.float32)]
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)
