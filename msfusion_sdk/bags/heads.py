"""Heads: bags of patches to scores, each a sum over patches of weight times value.

``mean``         every patch weighs alike
``max``          per output, the patch of the highest value counts alone
``gated``        gated attention (Ilse et al., ICML 2018, arXiv:1802.04712)
``clam``         gated attention with a branch per output, and for classes a loss that tells the
                 patches a branch looks at from those it does not (after Lu et al., Nature
                 Biomedical Engineering 5 (2021) 555-570)
``transformer``  patches see each other through a few learned vectors, at a cost linear in the
                 patches (induced set attention, Lee et al., ICML 2019, arXiv:1810.00825)

Whatever a head does, ``score = Σ weight · value``: so the share of each patch is known.
"""

from abc import ABC, abstractmethod
from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from msfusion_sdk.arrays import Singles
from msfusion_sdk.bags.dropout import ByteDropout
from msfusion_sdk.bags.pooling import attention_weights, gated_logits, pooled

__all__ = ["HEADS", "STARTED", "BagHead", "Head", "Shares", "Start", "make_head"]

Head = Literal["gated", "mean", "max", "clam", "transformer"]
HEADS: tuple[Head, ...] = get_args(Head)
STARTED: tuple[Head, ...] = ("gated", "clam")
"""Heads that do what a start says; the others begin at random."""

HIDDEN, UNITS, DROPOUT = 64, 32, 0.25
GENTLY = 0.05
LEARNED_VECTORS, HEADS_OF_ATTENTION = 16, 4
LOOKED_AT = 8
"""Patches at either end of the attention that the loss of ``clam`` looks at."""


class Shares(NamedTuple):
    """What a head makes of bags; 0 where there is no patch."""

    weights: Tensor
    """Shape (bag, patch, output), at least 0, sums to 1 over the patches."""
    values: Tensor
    """Shape (bag, patch, output)."""

    @property
    def scores(self) -> Tensor:
        """Shape (bag, output)."""
        return pooled(self.values, self.weights)


class Start(NamedTuple):
    """Attention and values that are linear in the columns, before anything is trained."""

    look: Singles
    """What each column adds to the logarithm of a patch's weight, shape (column,)."""
    read: Singles
    """What each column adds to the value of a patch, shape (column, output)."""
    level: Singles
    """What is taken from it, shape (output,)."""


class BagHead(nn.Module, ABC):
    """A head: patches of any number in, shares of a score out."""

    @abstractmethod
    def forward(self, patches: Tensor, there: Tensor) -> Shares:
        """Return the shares of all patches.

        Parameters
        ----------
        patches : shape (bag, patch, column)
        there : bool, shape (bag, patch)
            False for padding.
        """

    def extra_loss(self, patches: Tensor, there: Tensor, codes: Tensor) -> Tensor:
        """Return what else is to be small when classes are learned: nothing, by default.

        Parameters
        ----------
        codes : shape (bag,)
            The class of each bag.
        """
        return patches.new_zeros(())

    def begin(self, start: Start) -> None:
        """Take weights that do what ``start`` says; nothing is done by heads out of ``STARTED``."""


class _MeanHead(BagHead):
    def __init__(self, columns: int, outputs: int) -> None:
        super().__init__()
        self.drop, self.value = nn.Dropout(DROPOUT), nn.Linear(columns, outputs)

    def forward(self, patches: Tensor, there: Tensor) -> Shares:
        values = self.value(self.drop(patches))
        return Shares((there / there.sum(1, keepdim=True))[..., None].expand_as(values), values)


class _MaxHead(BagHead):
    def __init__(self, columns: int, outputs: int) -> None:
        super().__init__()
        self.hidden, self.value = _hidden(columns), nn.Linear(HIDDEN, outputs)

    def forward(self, patches: Tensor, there: Tensor) -> Shares:
        values = self.value(self.hidden(patches))
        # Padding must never be the patch of the highest value.
        place = values.masked_fill(~there[..., None], -torch.inf).argmax(1, keepdim=True)
        return Shares(torch.zeros_like(values).scatter(1, place, 1.0), values)


class _GatedHead(BagHead):
    """Gated attention; with a branch per output, or one for all."""

    def __init__(self, columns: int, outputs: int, branches: int = 1) -> None:
        super().__init__()
        self.hidden, self.value = _hidden(columns), nn.Linear(HIDDEN, outputs)
        self.tanh = nn.Parameter(_started(UNITS, HIDDEN + 1))
        self.gate = nn.Parameter(_started(UNITS, HIDDEN + 1))
        self.mix = nn.Parameter(_started(branches, UNITS))

    def forward(self, patches: Tensor, there: Tensor) -> Shares:
        hidden = self.hidden(patches)
        weights = attention_weights(gated_logits(hidden, self.tanh, self.gate, self.mix), there)
        values = self.value(hidden)
        return Shares(weights.expand_as(values), values)

    @torch.no_grad()
    def begin(self, start: Start) -> None:
        """Give the first unit, and the first hidden numbers, to what ``start`` says."""
        enter = self.hidden[0]
        assert isinstance(enter, nn.Linear)
        axes, sizes, turns = np.linalg.svd(start.read, full_matrices=False)
        # Above and below 0 apart, since hidden numbers are never negative; so many fit in.
        read = min(len(sizes), HIDDEN // 2 - 1)
        given = np.stack([start.look, *axes.T[:read]])
        slopes = torch.from_numpy(sizes[:read] * turns[:read].T)
        taken = 2 * len(given)
        enter.weight[0:taken:2] = torch.from_numpy(given)
        enter.weight[1:taken:2] = torch.from_numpy(-given)
        enter.bias[:taken] = 0.0
        self.value.weight[:] = 0.0
        self.value.weight[:, 2:taken:2], self.value.weight[:, 3:taken:2] = slopes, -slopes
        self.value.bias[:] = torch.from_numpy(-start.level)
        # So gently that tanh is as good as linear, and through a gate that is half open.
        self.tanh[0], self.gate[0] = 0.0, 0.0
        self.tanh[0, 0], self.tanh[0, 1] = GENTLY, -GENTLY
        self.mix[:, 0] = 2 / GENTLY


class _ClamHead(_GatedHead):
    def __init__(self, columns: int, outputs: int) -> None:
        super().__init__(columns, outputs, branches=outputs)
        self.instance = nn.Linear(HIDDEN, 2 * outputs)

    def extra_loss(self, patches: Tensor, there: Tensor, codes: Tensor) -> Tensor:
        """Return how badly the most and least attended patches are separated, by own branch."""
        hidden = self.hidden(patches)
        logits = gated_logits(hidden, self.tanh, self.gate, self.mix)
        bags = torch.arange(len(patches))
        own = logits[bags, :, codes]
        # Alike for all bags of the batch, so that their choices make one tensor.
        few = min(LOOKED_AT, int(there.sum(1).min()))
        top = own.masked_fill(~there, -torch.inf).topk(few, 1).indices
        low = own.masked_fill(~there, torch.inf).topk(few, 1, largest=False).indices
        pairs = self.instance(hidden).unflatten(2, (-1, 2))[bags, :, codes]
        chosen = pairs.gather(1, torch.cat([top, low], 1)[..., None].expand(-1, -1, 2))
        truth = torch.tensor([1] * few + [0] * few).expand(len(patches), -1)
        return cross_entropy(chosen.flatten(0, 1), truth.flatten())


class _TransformerHead(BagHead):
    def __init__(self, columns: int, outputs: int) -> None:
        super().__init__()
        self.enter = nn.Linear(columns, HIDDEN)
        self.learned = nn.Parameter(_started(LEARNED_VECTORS, HIDDEN))
        self.gather = nn.MultiheadAttention(
            HIDDEN, HEADS_OF_ATTENTION, dropout=DROPOUT, batch_first=True
        )
        self.spread = nn.MultiheadAttention(
            HIDDEN, HEADS_OF_ATTENTION, dropout=DROPOUT, batch_first=True
        )
        self.norm, self.end_norm = nn.LayerNorm(HIDDEN), nn.LayerNorm(HIDDEN)
        self.after = nn.Sequential(nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Dropout(DROPOUT))
        self.mix, self.value = nn.Linear(HIDDEN, 1), nn.Linear(HIDDEN, outputs)

    def forward(self, patches: Tensor, there: Tensor) -> Shares:
        tokens = self.enter(patches)
        learned = self.learned.expand(len(tokens), -1, -1)
        summary, _ = self.gather(
            learned, tokens, tokens, key_padding_mask=~there, need_weights=False
        )
        seen, _ = self.spread(tokens, summary, summary, need_weights=False)
        tokens = self.norm(tokens + seen)
        tokens = self.end_norm(tokens + self.after(tokens))
        values = self.value(tokens)
        return Shares(attention_weights(self.mix(tokens), there).expand_as(values), values)


def make_head(kind: Head, columns: int, outputs: int) -> BagHead:
    """Return a head of random weights, from torch's global generator.

    Raises
    ------
    ValueError
        When there is no such head.
    """
    if kind not in HEADS:
        msg = f"head must be one of {', '.join(HEADS)}, and is {kind!r}."
        raise ValueError(msg)
    kinds: dict[Head, type[BagHead]] = {
        "gated": _GatedHead,
        "mean": _MeanHead,
        "max": _MaxHead,
        "clam": _ClamHead,
        "transformer": _TransformerHead,
    }
    return kinds[kind](columns, outputs)


def _hidden(columns: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(columns, HIDDEN), nn.ReLU(), ByteDropout(DROPOUT))


def _started(rows: int, columns: int) -> Tensor:
    """Return random weights as ``nn.Linear`` begins with."""
    started: Tensor = (2 * torch.rand(rows, columns) - 1) / columns**0.5
    return started
