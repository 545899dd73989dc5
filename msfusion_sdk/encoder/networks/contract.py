"""The contract of a feature network: images in, a map and a vector out.

A network of another package subclasses :class:`FeatureNetwork`, states its facts and is found by
the entry point group ``msfusion_sdk.networks``; see docs/networks.md.  Needs torch alone.
"""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from msfusion_sdk.config import Licence, NetworkFacts, WeightsFacts
from msfusion_sdk.errors import ShapeError

__all__ = [
    "FeatureMaps",
    "FeatureNetwork",
    "Features",
    "Licence",
    "NetworkFacts",
    "WeightsFacts",
    "joined",
    "vector_of",
]

NEEDS_MAP = ("mean", "attended", "cls+mean", "cls+attended")
NEEDS_POOLED = ("pooled", "cls", "cls+mean", "cls+attended")


class FeatureMaps(NamedTuple):
    """What a network gives for a batch of images, before it is one vector each."""

    map: Tensor | None
    """Shape (image, D, height, width): features by place; tokens of a transformer without its
    class and register tokens.  None where the network gives no places."""
    pooled: Tensor | None
    """Shape (image, S): the class token, or the network's own pooled output; None without one."""


class Features(NamedTuple):
    """What one network says of a batch of images."""

    vectors: Tensor
    """Shape (image, length)."""
    scores: Tensor
    """Shape (image,), in (0, 1): the mean of the last attention map."""


class FeatureNetwork(nn.Module, ABC):
    """A network that turns RGB images into features; frozen, and the same for every batch.

    Parameters
    ----------
    facts : NetworkFacts
        What it takes and gives; they go into configuration, model card and fingerprint.
    """

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, facts: NetworkFacts) -> None:
        super().__init__()
        self.facts = facts
        shape = (1, 3, 1, 1)
        # Facts are of pixels in 0..1, as the field states them; images here are 0..255.
        mean = 255 * torch.tensor(facts.pixel_mean).reshape(shape)
        std = 255 * torch.tensor(facts.pixel_std).reshape(shape)
        # Not among the weights: the facts, which the configuration holds, are their one source.
        self.register_buffer("pixel_mean", mean, persistent=False)
        self.register_buffer("pixel_std", std, persistent=False)

    def normalise(self, images: Tensor) -> Tensor:
        """Return images of 0..255 with the statistics of the facts."""
        return (images.float() - self.pixel_mean) / self.pixel_std

    @abstractmethod
    def maps(self, images: Tensor) -> FeatureMaps:
        """Return what the network gives for images.

        Parameters
        ----------
        images : shape (image, 3, edge, edge), RGB in 0..255, bytes or floats
            ``normalise`` is yours to call: only you know whether the network wants it.
        """

    def forward(self, images: Tensor) -> FeatureMaps:
        """Return ``maps(images)``."""
        return self.maps(images)


def vector_of(maps: FeatureMaps, facts: NetworkFacts, weights: Tensor | None = None) -> Tensor:
    """Return one vector per image, by the readout of the facts.

    Parameters
    ----------
    weights : shape (image, 1, height, width), positive, optional
        The attention over the map; without it ``attended`` is the plain mean.

    Returns
    -------
    Tensor, shape (image, facts.features)

    Raises
    ------
    ShapeError
        When the network does not give what the readout needs, or another length.
    """
    vectors = joined(maps, facts, weights)
    if vectors.shape[1] != facts.features:
        msg = (
            f"{facts.name} gives {vectors.shape[1]} features by the readout {facts.readout!r}, and "
            f"its facts say {facts.features}. Correct features= or readout= in the facts."
        )
        raise ShapeError(msg)
    return vectors


def joined(maps: FeatureMaps, facts: NetworkFacts, weights: Tensor | None = None) -> Tensor:
    """Return the vectors of a readout, of whatever length; arguments as of ``vector_of``."""
    parts = []
    if facts.readout in NEEDS_POOLED:
        parts.append(_there(maps.pooled, facts, "pooled vector"))
    if facts.readout in NEEDS_MAP:
        features = _there(maps.map, facts, "map")
        is_attended = weights is not None and "attended" in facts.readout
        if is_attended:
            assert weights is not None
            parts.append((features * weights).sum((2, 3)) / weights.sum((2, 3)))
        else:
            parts.append(features.mean((2, 3)))
    return torch.cat([part.float() for part in parts], 1)


def _there(value: Tensor | None, facts: NetworkFacts, what: str) -> Tensor:
    if value is None:
        msg = (
            f"{facts.name} gives no {what}, which the readout {facts.readout!r} needs. Choose "
            f"another readout ({', '.join(sorted({*NEEDS_MAP, *NEEDS_POOLED}))})."
        )
        raise ShapeError(msg)
    return value
