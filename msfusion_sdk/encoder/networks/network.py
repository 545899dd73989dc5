"""The feature network: ResNet-18 with spatial attention, the same for both scales.

Source: method step 4.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from msfusion_sdk.config import FEATURES, NetworkConfig
from msfusion_sdk.encoder.networks.attention import SpatialAttention
from msfusion_sdk.encoder.networks.resnet import resnet18_stages, resnet18_stem

__all__ = ["FeatureNetwork", "Features", "ImageClassifier"]

HIDDEN = 256


class Features(NamedTuple):
    """What one network says of a batch of images."""

    vectors: Tensor
    """Shape (image, 512): the pooled, attended features."""
    scores: Tensor
    """Shape (image,), in (0, 1): the mean of the last attention map."""


class FeatureNetwork(nn.Module):
    """Map RGB images to a 512-vector and an attention score each.

    Works at any image size from 32 px; the method feeds 576 px.  Pixels are RGB in
    0..255, as floats or bytes; scaling and normalisation happen inside, so that a
    model folder is all that is needed to use the weights rightly.
    """

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.stem = resnet18_stem()
        self.first_attention = SpatialAttention()
        self.stages = resnet18_stages()
        self.last_attention = SpatialAttention()
        shape = (1, 3, 1, 1)
        mean = 255 * torch.tensor(config.pixel_mean).reshape(shape)
        std = 255 * torch.tensor(config.pixel_std).reshape(shape)
        self.register_buffer("pixel_mean", mean, persistent=False)
        self.register_buffer("pixel_std", std, persistent=False)

    def normalise(self, images: Tensor) -> Tensor:
        """Return images of 0..255 as zero-mean, unit-variance numbers, channels last."""
        pixels = (images.float() - self.pixel_mean) / self.pixel_std
        # Rounded to what the convolutions compute in only after the mean is gone.
        return pixels.to(next(self.parameters()).dtype, memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Features:
        """Return features of ``images``, shape (image, 3, height, width), 0..255."""
        early, _ = self.first_attention(self.stem(self.normalise(images)))
        late, weights = self.last_attention(self.stages(early))
        return Features(late.float().mean((2, 3)), weights.float().mean((1, 2, 3)))


class ImageClassifier(nn.Module):
    """A feature network with the head that trains it: 512 → 256 → classes.

    The softmax of the method is left to the loss (cross-entropy takes logits) and
    to ``probabilities``.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.features = FeatureNetwork(config)
        hidden, classes = nn.Linear(FEATURES, HIDDEN), nn.Linear(HIDDEN, len(config.classes))
        self.head = nn.Sequential(hidden, nn.ReLU(inplace=True), classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, shape (image, class)."""
        logits: Tensor = self.head(self.features(images).vectors)
        return logits

    @torch.inference_mode()
    def probabilities(self, images: Tensor) -> Tensor:
        """Return class probabilities, shape (image, class); rows sum to 1."""
        logits: Tensor = self(images)
        return logits.float().softmax(-1)
