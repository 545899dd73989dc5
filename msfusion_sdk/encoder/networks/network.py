"""The feature network of the method: ResNet-18 with spatial attention, the same for both scales.

Source: method step 4.
"""

import torch
from torch import Tensor, nn

from msfusion_sdk.config import FEATURES, FeatureNetworksConfig, NetworkConfig
from msfusion_sdk.encoder.networks.attended import AttendedNetwork
from msfusion_sdk.encoder.networks.attention import SpatialAttention, attention_logits
from msfusion_sdk.encoder.networks.contract import Features
from msfusion_sdk.encoder.networks.resnet import resnet18_stages, resnet18_stem

__all__ = ["AttendedResNet", "ImageClassifier"]

HIDDEN = 256


class AttendedResNet(nn.Module):
    """Map RGB images to a 512-vector and an attention score each.

    Works at any image size from 32 px; the method feeds 576 px.  Pixels are RGB in
    0..255, as floats or bytes; scaling and normalisation happen inside, so that a
    model folder is all that is needed to use the weights rightly.
    """

    pixel_mean: Tensor
    pixel_std: Tensor
    length = FEATURES

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.stem = resnet18_stem()
        self.first_attention = SpatialAttention()
        self.stages = resnet18_stages()
        self.last_attention = SpatialAttention()
        shape = (1, 3, 1, 1)
        # The settings are of pixels in 0..1, as the field states them; images here are 0..255.
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
        late, weights = self.last_attention(self._late(images))
        # Means of a thousand places are taken in fp32: bf16 has three digits.
        return Features(late.float().mean((2, 3)), weights.float().mean((1, 2, 3)))

    def with_logits(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return vectors, and the last attention map before its sigmoid, for training.

        A sigmoid that has come to 1 gives no gradient; its logits do.
        """
        late = self._late(images)
        logits = attention_logits(late, self.last_attention.conv.weight)
        return (late * torch.sigmoid(logits)).float().mean((2, 3)), logits

    def _late(self, images: Tensor) -> Tensor:
        """Return the map of the last stage, before its attention."""
        early, _ = self.first_attention(self.stem(self.normalise(images)))
        late: Tensor = self.stages(early)
        return late


class ImageClassifier(nn.Module):
    """A feature network with the head that trains it: features → 256 → classes.

    The softmax of the method is left to the loss (cross-entropy takes logits) and
    to ``probabilities``.

    Parameters
    ----------
    config : NetworkConfig or FeatureNetworksConfig
        Its classes; without any there is no head.
    features : AttendedNetwork, optional
        Instead of the network of the method.
    """

    def __init__(
        self,
        config: NetworkConfig | FeatureNetworksConfig,
        features: AttendedNetwork | None = None,
    ) -> None:
        super().__init__()
        if isinstance(config, NetworkConfig):
            self.features: AttendedResNet | AttendedNetwork = AttendedResNet(config)
        else:
            assert features is not None
            self.features = features
        self.head = _head(self.features.length, len(config.classes))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, shape (image, class)."""
        logits: Tensor = self.head(self.features(images).vectors)
        return logits

    @torch.inference_mode()
    def probabilities(self, images: Tensor) -> Tensor:
        """Return class probabilities, shape (image, class); rows sum to 1."""
        logits: Tensor = self(images)
        return logits.float().softmax(-1)


def _head(features: int, classes: int) -> nn.Sequential:
    """Return the classifier; without classes one that has no layers, and is not asked."""
    if not classes:
        return nn.Sequential()
    return nn.Sequential(
        nn.Linear(features, HIDDEN), nn.ReLU(inplace=True), nn.Linear(HIDDEN, classes)
    )
