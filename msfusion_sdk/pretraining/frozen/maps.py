"""What frozen networks give for labelled tiles, computed once and kept on disk as float16."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msfusion_sdk.arrays import Pixels
from msfusion_sdk.encoder.networks.attended import AttendedNetwork
from msfusion_sdk.encoder.networks.contract import FeatureMaps
from msfusion_sdk.errors import NetworkFactsError, StoreFullError
from msfusion_sdk.files import store_text
from msfusion_sdk.pretraining.views import plain_view, read_tile

__all__ = ["CachedMaps", "cache_maps", "tile_image"]

Progress = Callable[[int, int], None]
BATCH = 16


@dataclass(frozen=True, eq=False)
class CachedMaps:
    """Maps of all images of one network, and its vectors where it gives some."""

    maps: NDArray[np.float16]
    """Shape (image, D, height, width), mapped from disk."""
    pooled: NDArray[np.float32] | None
    """Shape (image, S)."""

    def batch(self, rows: Sequence[int] | NDArray[np.intp]) -> FeatureMaps:
        """Return what the network gave for some images."""
        maps = torch.from_numpy(np.asarray(self.maps[rows], np.float32))
        pooled = None if self.pooled is None else torch.from_numpy(self.pooled[rows])
        return FeatureMaps(maps, pooled)


def tile_image(path: Path, tile_mpp: float, mpp: float, edge_px: int) -> Pixels:
    """Return a tile file at a spacing, as an image of exactly ``edge_px``.

    A smaller one is mirrored up to it, of a larger one the middle is taken.
    """
    view = plain_view(read_tile(path), "detail", tile_mpp, mpp, edge_px)
    top, left = ((side - edge_px) // 2 for side in view.shape[:2])
    return view[top : top + edge_px, left : left + edge_px]


@torch.inference_mode()
def cache_maps(
    network: AttendedNetwork,
    paths: Sequence[Path],
    image_of: Callable[[Path], Pixels],
    folder: Path,
    *,
    limit_gb: float,
    progress: Progress,
) -> CachedMaps:
    """Compute the maps of image files, or go on where a run was stopped.

    Parameters
    ----------
    image_of : callable
        Reads a file as the image that the network sees.
    limit_gb : float
        More is refused before anything is computed.

    Raises
    ------
    StoreFullError
        When the maps would be larger than the limit.
    NetworkFactsError
        When the network gives no map.
    """
    first = network.maps(_stack([image_of(paths[0])]))
    if first.map is None:
        msg = (
            f"{network.backbone.facts.name} gives no map, so there is nothing for an attention to "
            "see. Use it untrained, with score='none'."
        )
        raise NetworkFactsError(msg)
    shape = (len(paths), *first.map.shape[1:])
    # Two bytes a number; in float64, since the product may pass the largest integer.
    size_gb = 2 * np.prod(shape, dtype=np.float64) / 1e9
    if size_gb > limit_gb:
        msg = (
            f"The maps of {len(paths)} images take {size_gb:.1f} GB, more than cache_gb="
            f"{limit_gb:g}. Raise it (--cache-gb), or take fewer tiles."
        )
        raise StoreFullError(msg)
    folder.mkdir(parents=True, exist_ok=True)
    width = 0 if first.pooled is None else first.pooled.shape[1]
    maps = _array(folder / "maps.npy", shape, np.float16)
    pooled = _array(folder / "pooled.npy", (len(paths), max(width, 1)), np.float32)
    done_file = folder / "done.txt"
    done = _done(done_file, len(paths))
    for start in range(done, len(paths), BATCH):
        batch = paths[start : start + BATCH]
        found = network.maps(_stack([image_of(path) for path in batch]))
        assert found.map is not None
        maps[start : start + len(batch)] = found.map.cpu().numpy()
        if found.pooled is not None:
            pooled[start : start + len(batch)] = found.pooled.float().cpu().numpy()
        # On disk before they count as done.
        maps.flush()
        pooled.flush()
        store_text(done_file, str(start + len(batch)))
        progress(start + len(batch), len(paths))
    return CachedMaps(maps, pooled if width else None)


def _done(path: Path, images: int) -> int:
    """Return how many images are done; of a file that does not say it, none is."""
    text = path.read_bytes() if path.is_file() else b""
    done = int(text) if text.isdigit() else 0
    return done if done <= images else 0


def _array(path: Path, shape: tuple[int, ...], dtype: type) -> "np.memmap[Any, Any]":
    if path.is_file():
        found: np.memmap[Any, Any] = np.load(path, mmap_mode="r+")
        if found.shape == shape:
            return found
    return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)


def _stack(images: Sequence[Pixels]) -> Tensor:
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
