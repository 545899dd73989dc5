"""A feature network of another package: what lies between two blurs, in five bands of size."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from msfusion_sdk.encoder import FeatureMaps, FeatureNetwork, Licence, NetworkFacts


class BandsNet(FeatureNetwork):
    """How much there is of each size of structure, in each colour and place; it has no weights.

    A network of yours would load its weights here, and be as long.
    """

    bands = (1, 2, 4, 8, 16)

    def __init__(self) -> None:
        facts = NetworkFacts(
            name="acme-bands",
            image_px=128,
            multiple_px=16,
            mpp=(0.5,),
            pixel_mean=(0.5, 0.5, 0.5),
            pixel_std=(0.25, 0.25, 0.25),
            readout="mean",
            features=3 * len(self.bands),
            licence=Licence(name="Apache-2.0", may_be_shared=True, commercial=True),
        )
        super().__init__(facts)

    def maps(self, images: Tensor) -> FeatureMaps:
        """Return a map of 15 features on a grid of 16 px, and no vector of its own."""
        pixels = self.normalise(images)
        blurred = [_blurred(pixels, size) for size in (*self.bands, 2 * self.bands[-1])]
        energy = [(fine - coarse).abs() for fine, coarse in pairwise(blurred)]
        return FeatureMaps(nn.functional.avg_pool2d(torch.cat(energy, 1), 16), None)


def _blurred(pixels: Tensor, size: int) -> Tensor:
    if size == 1:
        return pixels
    padded = nn.functional.pad(pixels, [size // 2, (size - 1) // 2] * 2, mode="reflect")
    return nn.functional.avg_pool2d(padded, size, stride=1)
