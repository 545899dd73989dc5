"""Networks that fuse one embedding per modality, absent ones masked out.

Every fusion takes ``embeddings`` (patient, modality, dim) and ``present`` (patient, modality) and
returns (patient, fused dim).  What stands in the rows of absent modalities changes nothing.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

__all__ = ["Attention", "Concat", "Encoding", "Fusion", "FusionNetwork", "Gated", "LowRank"]

Fusion = Literal["concat", "gated", "low_rank", "attention"]
Encoding = Literal["linear", "mlp"]

DIM = 16
HIDDEN = 32
RANK = 4
DROPOUT = 0.25


class Concat(nn.Module):
    """Embeddings side by side, 0 where absent, and which are present."""

    def __init__(self, modalities: int) -> None:
        super().__init__()
        self.fused_dim = modalities * (DIM + 1)

    def forward(self, embeddings: Tensor, present: Tensor) -> Tensor:
        """Return shape (patient, modality · (dim + 1))."""
        masked = embeddings * present[..., None]
        # Who is present as columns of its own: a 0 alone could be a measured 0.
        return torch.cat([masked.flatten(1), present.to(masked.dtype)], 1)


class Gated(nn.Module):
    """A mean of the present embeddings, each channel weighed by a gate that sees all of them.

    Source: Arevalo et al., arXiv:1702.01992, with gates normalised over the present modalities.
    """

    def __init__(self, modalities: int) -> None:
        super().__init__()
        self.fused_dim = DIM
        self.gates = nn.Linear(modalities * (DIM + 1), modalities * DIM)

    def forward(self, embeddings: Tensor, present: Tensor) -> Tensor:
        """Return shape (patient, dim)."""
        mask = present[..., None].to(embeddings.dtype)
        seen = torch.cat([(embeddings * mask).flatten(1), mask.flatten(1)], 1)
        gates = torch.sigmoid(self.gates(seen)).view_as(embeddings) * mask
        # Gates may all close; the mean is then 0 and not 0 / 0.
        return (gates * embeddings).sum(1) / gates.sum(1).clamp(min=1e-6)


class LowRank(nn.Module):
    """The outer product of all embeddings, each with a 1 appended, seen through low-rank factors.

    An absent modality is its 1 alone, so the products of the others stay.
    Source: Liu et al., ACL 2018, arXiv:1806.00064, equations 4 to 6.
    """

    def __init__(self, modalities: int) -> None:
        super().__init__()
        self.fused_dim = DIM
        self.factors = nn.Parameter(torch.empty(modalities, RANK, DIM, DIM))
        # So that a product with an embedding of unit spread has unit spread again.
        nn.init.normal_(self.factors, std=DIM**-0.5)
        self.ones = nn.Parameter(torch.ones(modalities, RANK, DIM))

    def forward(self, embeddings: Tensor, present: Tensor) -> Tensor:
        """Return shape (patient, dim)."""
        masked = embeddings * present[..., None]
        factors = torch.einsum("pmd,mrdk->pmrk", masked, self.factors) + self.ones
        fused: Tensor = factors.prod(1).mean(1)
        return fused


class Attention(nn.Module):
    """A mean of values, weighed by how well each present embedding's key fits a learned query.

    Source: Vaswani et al., arXiv:1706.03762, section 3.2.1, with one query for all patients.
    """

    def __init__(self, modalities: int) -> None:
        super().__init__()
        self.fused_dim = DIM
        self.names = nn.Parameter(torch.randn(modalities, DIM) * 0.1)
        self.key, self.value = nn.Linear(DIM, DIM), nn.Linear(DIM, DIM)
        self.query = nn.Parameter(torch.randn(DIM) * 0.1)

    def forward(self, embeddings: Tensor, present: Tensor) -> Tensor:
        """Return shape (patient, dim)."""
        named = embeddings + self.names
        fit = self.key(named) @ self.query / DIM**0.5
        # A row of nothing but -inf would give NaN: every patient has some modality.
        shares = fit.masked_fill(~present, -torch.inf).softmax(1)
        fused: Tensor = (shares[..., None] * self.value(named)).sum(1)
        return fused


_FUSIONS: dict[Fusion, type[Concat | Gated | LowRank | Attention]] = {
    "concat": Concat,
    "gated": Gated,
    "low_rank": LowRank,
    "attention": Attention,
}


class FusionNetwork(nn.Module):
    """An encoder per modality, a fusion, and a linear layer to scores.

    Parameters
    ----------
    fusion : 'concat', 'gated', 'low_rank' or 'attention'
    encoding : 'linear' (one layer) or 'mlp' (two)
    widths : length modality
        Numbers of features.
    outputs : int
    """

    def __init__(
        self, fusion: Fusion, encoding: Encoding, widths: Sequence[int], outputs: int
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleList([_encoder(encoding, width) for width in widths])
        self.fusion = _FUSIONS[fusion](len(widths))
        self.head = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(self.fusion.fused_dim, outputs))

    def forward(self, values: Sequence[Tensor], present: Tensor) -> Tensor:
        """Return scores, shape (patient, output).

        Parameters
        ----------
        values : length modality, each of shape (patient, feature)
        present : bool, shape (patient, modality), some True in every row
        """
        pairs = zip(self.encoders, values, strict=True)
        embeddings = torch.stack([encoder(table) for encoder, table in pairs], 1)
        scores: Tensor = self.head(self.fusion(embeddings, present))
        return scores


def _encoder(encoding: Encoding, width: int) -> nn.Module:
    if encoding == "linear":
        return nn.Linear(width, DIM)
    return nn.Sequential(
        nn.Linear(width, HIDDEN), nn.GELU(), nn.Dropout(DROPOUT), nn.Linear(HIDDEN, DIM)
    )
