"""A network as an installed package would bring it, and models of it."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from msfusion_sdk.encoder import FeatureMaps, FeatureNetwork, NetworkFacts


class Edges(FeatureNetwork):
    """What an image has of lines in eight directions, place by place; no weights to speak of."""

    def __init__(self) -> None:
        facts = NetworkFacts(
            name="edges", image_px=64, multiple_px=8, mpp=(0.5,), pixel_mean=(0.7,) * 3,
            pixel_std=(0.2,) * 3, readout="attended", features=8,
        )  # fmt: skip
        super().__init__(facts)
        self.conv = nn.Conv2d(3, 8, 5, 2, 2, bias=False)
        with torch.no_grad():
            generator = torch.Generator().manual_seed(1)
            self.conv.weight.copy_(torch.randn(self.conv.weight.shape, generator=generator))

    def maps(self, images: Tensor) -> FeatureMaps:
        answer = self.conv(self.normalise(images)).abs()
        return FeatureMaps(nn.functional.avg_pool2d(answer, 4), None)


@pytest.fixture(scope="module")
def registered() -> Iterator[None]:
    """The network as an installed package would bring it."""
    from msfusion_sdk.encoder.sources import naming, opening

    patch = pytest.MonkeyPatch()
    patch.setattr(naming, "list_networks", lambda: {"edges": "acme 0.1"})
    patch.setattr(opening, "load_network", lambda name: Edges())
    yield
    patch.undo()
