"""The convolutional stages of ResNet-18, without its first layers and its classifier.

Source: He et al., CVPR 2016, table 1 and figure 5 (left).  Names and initial weights are
torchvision's.  Importing torchvision for them takes two seconds: it loads torch's compiler.
"""

from torch import Tensor, nn

__all__ = ["BasicBlock", "resnet18_stages", "resnet18_stem"]

STAGES = ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2))
"""Channels in, channels out and stride of the four stages of two blocks each."""


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions and what goes past them."""

    def __init__(self, channels_in: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = _conv(channels_in, channels, 3, stride)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = _conv(channels, channels, 3)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or channels_in != channels:
            shortcut = _conv(channels_in, channels, 1, stride)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(channels))

    def forward(self, features: Tensor) -> Tensor:
        """Return features, shape (image, channel, height / stride, width / stride)."""
        past = features if self.downsample is None else self.downsample(features)
        inner = self.relu(self.bn1(self.conv1(features)))
        out: Tensor = self.relu(self.bn2(self.conv2(inner)) + past)
        return out


def resnet18_stem() -> nn.Sequential:
    """Return the first convolution: (image, 3, h, w) → (image, 64, h/2, w/2)."""
    return nn.Sequential(_conv(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(inplace=True))


def resnet18_stages() -> nn.Sequential:
    """Return pooling and the four stages: (image, 64, h, w) → (image, 512, h/16, w/16)."""
    stages = [
        nn.Sequential(BasicBlock(channels_in, channels, stride), BasicBlock(channels, channels))
        for channels_in, channels, stride in STAGES
    ]
    return nn.Sequential(nn.MaxPool2d(3, stride=2, padding=1), *stages)


def _conv(channels_in: int, channels: int, size: int, stride: int = 1) -> nn.Conv2d:
    # Without a bias: the batch-norm behind each of these has a shift of its own.
    conv = nn.Conv2d(channels_in, channels, size, stride, padding=size // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return conv
