"""The loop that a user writes by hand: the baseline of ``encode_speed.py``.

OpenSlide and PIL in a DataLoader, a transform per image, fp32, the usual memory format.
"""

import time

import numpy as np
import openslide
import torch
import torchvision
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import Compose, Normalize, ToTensor

PATCH, HALF, BATCH = 1152, 576, 4


class Patches(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Context image and tiles of each location."""

    def __init__(self, path: str, locations: list[tuple[int, int]]) -> None:
        self.path, self.locations, self.slide = path, locations, None
        self.transform = Compose(
            [ToTensor(), Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
        )

    def __len__(self) -> int:
        return len(self.locations)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        if self.slide is None:
            self.slide = openslide.OpenSlide(self.path)  # type: ignore[assignment]
        patch = self.slide.read_region(self.locations[index], 0, (PATCH, PATCH)).convert("RGB")  # type: ignore[attr-defined]
        corners = [(x, y) for y in (0, HALF) for x in (0, HALF)]
        tiles = [self.transform(patch.crop((x, y, x + HALF, y + HALF))) for x, y in corners]
        return self.transform(patch.resize((HALF, HALF))), torch.stack(tiles)


class Network(nn.Module):
    """ResNet-18 with a spatial attention after the stem and one after the last stage."""

    def __init__(self) -> None:
        super().__init__()
        net = torchvision.models.resnet18(weights=None)
        self.stem = nn.Sequential(net.conv1, net.bn1, net.relu)
        self.body = nn.Sequential(net.maxpool, net.layer1, net.layer2, net.layer3, net.layer4)
        self.first, self.last = (nn.Conv2d(2, 1, 7, padding=3, bias=False) for _ in range(2))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return features and attention scores."""
        x, _ = attend(self.first, self.stem(x))
        x, weights = attend(self.last, self.body(x))
        return x.mean((2, 3)), weights.mean((1, 2, 3))


def attend(conv: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    weights = torch.sigmoid(conv(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)))
    return x * weights, weights


@torch.no_grad()
def seconds_per_patch(path: str, locations: list[tuple[int, int]]) -> float:
    """Encode the locations with random weights; the first batch pays for starting the reader."""
    context_net, detail_net = Network().eval(), Network().eval()
    # Spawned: a fork of a process whose threads have computed can hang.
    loader = DataLoader(
        Patches(path, locations), BATCH, num_workers=1, multiprocessing_context="spawn"
    )
    total, start = np.zeros(1024), 0.0
    for number, (context, tiles) in enumerate(loader):
        if number == 1:
            start = time.perf_counter()
        features, scores = context_net(context)
        inner, weights = detail_net(tiles.flatten(0, 1))
        inner, weights = inner.view(-1, 4, 512), weights.view(-1, 4, 1)
        detail = (inner * weights).sum(1) / weights.sum(1)
        total += (torch.cat([features, detail], 1) * scores[:, None]).sum(0).numpy()
    return (time.perf_counter() - start) / (len(locations) - BATCH)
