"""What was learned about bags: heads that attend, beside a ridge model of the plain mean.

    score = a · mean over heads of Σ wᵢ vᵢ  +  b · (1/n) Σ uᵢ

with weights w and values v of a head, and u a linear map of the patch vector: the ridge model that
a slide's mean vector would have.  The numbers a and b, at least 0, were fitted together to scores
of patients that neither part had learned from, so that attention adds to the mean where it helps
and is left out where it does not.  Every part is a sum over patches, so each patch has its share.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msfusion_sdk.arrays import Floats, Singles
from msfusion_sdk.bags.heads import BagHead, Head, make_head
from msfusion_sdk.errors import ShapeError

__all__ = ["HasAttention", "Judged", "LearnedAttention", "Reduced", "singles"]

Vectors = NDArray[np.floating[Any]]
FAR = 1e4
"""Columns have a deviation of 1 in training; no patch is farther, and half precision holds it."""


class Judged(NamedTuple):
    """The result for one bag."""

    score: Floats
    """Shape (output,)."""
    weights: Floats
    """Shape (patch,), sums to 1: the share of each patch in what is looked at."""
    shares: Floats
    """Shape (patch, output): what each patch adds; they sum to the score minus the baseline."""


def singles(vectors: Vectors) -> Singles:
    """Return the same numbers as float32; what is float32 already is not copied."""
    # Of half precision torch makes them six times as fast as numpy; it warns of what is read-only.
    if vectors.dtype == np.float16 and vectors.flags.writeable:
        return np.asarray(torch.from_numpy(vectors).float().numpy())
    return vectors.astype(np.float32, copy=False)


@dataclass(frozen=True, eq=False)
class Reduced:
    """A map from patch vectors to few columns: ``(vector - shift) @ matrix``.

    Parameters
    ----------
    shift : float32, shape (feature,)
    matrix : float32, shape (feature, column)
    """

    shift: NDArray[np.float32]
    matrix: NDArray[np.float32]

    def __call__(self, vectors: Vectors) -> NDArray[np.float32]:
        """Return the columns, shape (patch, column).

        Raises
        ------
        ShapeError
            When the vectors are of another length than those of training.
        """
        if vectors.shape[1] != len(self.shift):
            msg = (
                f"Patches of {vectors.shape[1]} features, and the model learned from "
                f"{len(self.shift)}. Give patches of the network that it was trained on."
            )
            raise ShapeError(msg)
        columns = (singles(vectors) - self.shift) @ self.matrix
        return np.asarray(np.clip(columns, -FAR, FAR), np.float32)


@dataclass(frozen=True, eq=False)
class LearnedAttention:
    """Fitted heads and the ridge model beside them; judges one bag at a time.

    Parameters
    ----------
    kind : str
        Of the heads.
    reduced : Reduced
        What the heads see of a patch vector.
    heads : sequence of BagHead
        Their scores are averaged.
    levels : float64, shape (head, output)
        Mean score of each head over training patients.
    mean_coef, mean_level : float64, shape (feature, output) and (output,)
        The ridge model, and its mean over training patients.
    mix : float64, shape (2,)
        a and b.
    """

    kind: Head
    reduced: Reduced
    heads: Sequence[BagHead]
    levels: Floats
    mean_coef: Floats
    mean_level: Floats
    mix: Floats

    @property
    def features(self) -> int:
        """Length of a patch vector."""
        return len(self.reduced.shift)

    @property
    def outputs(self) -> int:
        """Numbers in a score."""
        return int(self.levels.shape[1])

    @torch.inference_mode()
    def judge(self, vectors: Vectors) -> Judged:
        """Return score, weights and shares of one bag.

        Parameters
        ----------
        vectors : shape (patch, feature)
            All patches of a patient, or of a slide.

        Returns
        -------
        Judged
            Its score is 0 for a bag as the training patients' are on average: ``baseline`` is
            taken away.
        """
        columns = torch.from_numpy(self.reduced(vectors))[None]
        there = torch.ones(columns.shape[:2], dtype=torch.bool)
        plain = np.full(len(vectors), 1 / len(vectors))
        shares, weights = np.zeros((len(vectors), self.outputs)), np.zeros(len(vectors))
        for head, level in zip(self.heads, self.levels, strict=True):
            w, v = (_double(part[0]) for part in head(columns, there))
            # The weights sum to 1, so the level can be taken from every value alike.
            shares += self.mix[0] * w * (v - level) / len(self.heads)
            weights += w.mean(1) / len(self.heads)
        linear = (vectors - self.reduced.shift) @ self.mean_coef - self.mean_level
        shares += self.mix[1] * plain[:, None] * linear
        return Judged(shares.sum(0), self._looked_at(weights, plain), shares)

    def _looked_at(self, weights: Floats, plain: Floats) -> Floats:
        """Return the weights of both parts together, as much of each as the score has."""
        # Where both parts are left out nothing is looked at: shown as the plain mean.
        attended, alike = self.mix / self.mix.sum() if self.mix.any() else (0.0, 1.0)
        return np.asarray(attended * weights / weights.sum() + alike * plain)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything that was learned, for ``from_arrays``."""
        arrays: dict[str, NDArray[Any]] = {
            "shift": self.reduced.shift,
            "matrix": self.reduced.matrix,
            "levels": self.levels,
            "mean_coef": self.mean_coef,
            "mean_level": self.mean_level,
            "mix": self.mix,
        }
        for number, head in enumerate(self.heads):
            for name, value in head.state_dict().items():
                arrays[f"head/{number}/{name}"] = value.numpy()
        return arrays

    @classmethod
    def from_arrays(cls, kind: Head, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return what ``arrays`` described.

        Parameters
        ----------
        kind : str
            Which head was trained.
        arrays : mapping
            By name, as ``arrays`` gave them.
        """
        reduced = Reduced(arrays["shift"], arrays["matrix"])
        heads = []
        for number in range(len(arrays["levels"])):
            head, prefix = make_head(kind, *_sizes(arrays)), f"head/{number}/"
            mine = {n.removeprefix(prefix): v for n, v in arrays.items() if n.startswith(prefix)}
            head.load_state_dict({name: torch.from_numpy(v) for name, v in mine.items()})
            heads.append(head.eval())
        known = {name: arrays[name] for name in ("levels", "mean_coef", "mean_level", "mix")}
        return cls(kind, reduced, heads, **known)


class HasAttention(Protocol):
    """What was fitted on bags: an adapter, or an estimator with one."""

    @property
    def attention_(self) -> LearnedAttention:
        """What was learned."""


def _sizes(arrays: Mapping[str, NDArray[Any]]) -> tuple[int, int]:
    return arrays["matrix"].shape[1], arrays["levels"].shape[1]


def _double(values: Tensor) -> Floats:
    return np.asarray(values.double().numpy())
