"""A frozen feature network with a spatial attention of ours over its map.

The attention sees two channels of the map, convolves them and gives each place a number in
(0, 1); their mean is the score of the image.  Its convolution starts at zero, so an attention that
was not trained weighs every place and every image alike: the plain mean.

Source: the spatial module of CBAM, Woo et al., ECCV 2018, section 3.2, equation 3.  A transformer's
last layer norm leaves the mean over channels the same at all places, so the two channels can be
learned combinations instead (``summary="projected"``).
"""

from collections.abc import Iterator
from typing import Self

import torch
from torch import Tensor, nn

from msfusion_sdk.config import AttentionConfig
from msfusion_sdk.encoder.networks.contract import FeatureMaps, FeatureNetwork, Features, vector_of

__all__ = ["AttendedNetwork", "MapAttention"]


class MapAttention(nn.Module):
    """One number in (0, 1) for every place of a map of ``channels`` features."""

    def __init__(self, channels: int, config: AttentionConfig) -> None:
        super().__init__()
        self.summary = nn.Conv2d(channels, 2, 1) if config.summary == "projected" else None
        self.conv = nn.Conv2d(2, 1, config.kernel, padding=config.kernel // 2)
        nn.init.zeros_(self.conv.weight)
        assert self.conv.bias is not None
        nn.init.zeros_(self.conv.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Return the attention, shape (image, 1, height, width), of a map."""
        features = features.float()
        if self.summary is not None:
            seen = self.summary(features)
        else:
            seen = torch.cat([features.mean(1, keepdim=True), features.amax(1, keepdim=True)], 1)
        return torch.sigmoid(self.conv(seen))


class AttendedNetwork(nn.Module):
    """Vectors and scores from a frozen backbone and a small attention that can be trained.

    Parameters
    ----------
    backbone : FeatureNetwork
        Never trained, and always in evaluation mode.
    attention : MapAttention, optional
        None for a network without a map: every image then has the score 0.5.
    """

    def __init__(self, backbone: FeatureNetwork, attention: MapAttention | None) -> None:
        super().__init__()
        self.backbone = backbone.eval().requires_grad_(False)
        self.attention = attention

    @property
    def length(self) -> int:
        """Length of the vector of one image."""
        return self.backbone.facts.features

    def maps(self, images: Tensor) -> FeatureMaps:
        """Return what the backbone gives for images of 0..255; without gradients."""
        with torch.no_grad():
            return self.backbone.maps(images)

    def attend(self, maps: FeatureMaps) -> Features:
        """Return vectors and scores of what the backbone gave; differentiable in the attention."""
        if self.attention is None or maps.map is None:
            vectors = vector_of(maps, self.backbone.facts)
            # Half is what an attention that learned nothing gives: the sigmoid of zero.
            return Features(vectors, vectors.new_full((len(vectors),), 0.5))
        weights = self.attention(maps.map)
        vectors = vector_of(maps, self.backbone.facts, weights)
        return Features(vectors, weights.mean((1, 2, 3)))

    def forward(self, images: Tensor) -> Features:
        """Return features of ``images``, shape (image, 3, edge, edge), 0..255."""
        return self.attend(self.maps(images))

    def train(self, mode: bool = True) -> Self:
        """Set the mode of the attention; the backbone stays as it is."""
        super().train(mode)
        # Training mode would move the statistics of its batch-norms, although no weight learns.
        self.backbone.eval()
        return self

    def with_backbone(self, backbone: FeatureNetwork) -> Self:
        """Return the same attention over another copy of the network, in another program say."""
        return type(self)(backbone, self.attention)

    def own_state(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the tensors of the attention by their names."""
        if self.attention is not None:
            yield from self.attention.state_dict(prefix="attention.").items()
