"""Method step 3: a patch becomes its context image and its tiles."""

import torch
from torch import Tensor, nn

from msfusion_sdk.config import PatchConfig

__all__ = ["split_scales"]


def split_scales(patches: Tensor, config: PatchConfig | None = None) -> tuple[Tensor, Tensor]:
    """Return the context images and the tiles of patches.

    Parameters
    ----------
    patches : shape (patch, 3, size, size), 0..255
        The size is a multiple of the number of tiles per edge, and of the factor by which the
        context image is coarser.
    config : PatchConfig, optional
        Tiles per edge and the context image; those of the method by default.

    Returns
    -------
    context : shape (patch, 3, edge, edge), float
        The exact mean over squares of pixels; no rows with a single scale.
    tiles : shape (patch, tiles², 3, size/tiles, size/tiles)
        Row by row.
    """
    config = config or PatchConfig()
    patch, channels, size, _ = patches.shape
    n, edge = config.tiles, size // config.tiles
    cut = patches.reshape(patch, channels, n, edge, n, edge).permute(0, 2, 4, 1, 3, 5)
    tiles = cut.reshape(patch, n * n, channels, edge, edge)
    if config.single_scale:
        # No images rather than None, so that both results are tensors on one device.
        return torch.empty(0, channels, edge, edge, device=patches.device), tiles
    # As a factor, so that patches of any size are split alike.
    factor = config.patch_size_px // config.context_size_px
    return nn.functional.avg_pool2d(patches.float(), factor), tiles
