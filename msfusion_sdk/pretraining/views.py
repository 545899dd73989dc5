"""Tile files as the images that a network sees in training and in scoring."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from msfusion_sdk.arrays import Pixels
from msfusion_sdk.errors import TableError
from msfusion_sdk.pretraining.augment import AugmentConfig, random_view

__all__ = ["Scale", "TrainingViews", "plain_view", "read_tile", "training_batches"]

Scale = Literal["context", "detail"]
Key = tuple[int, int]

CONTEXT_ZOOM = 1.96
"""Spacing of context images over that of tiles is 2; within 2 % nothing is resampled."""


def read_tile(path: Path) -> Pixels:
    """Read an 8-bit RGB tile, shape (height, width, 3); grey files become RGB."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if image is None:
        msg = (
            f"{path} cannot be read as an image. Remove its row from index.csv or replace the file."
        )
        raise TableError(msg)
    return np.asarray(image, np.uint8)


def halve(image: Pixels) -> Pixels:
    """Return the exact 2 x 2 area mean of an image of even size."""
    return shrunk(image, image.shape[1] // 2)


def shrunk(image: Pixels, edge_px: int) -> Pixels:
    """Return the area mean of an image, ``edge_px`` wide; exact where that divides its sides."""
    size = (edge_px, image.shape[0] * edge_px // image.shape[1])
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def is_halved(scale: Scale, zoom: float) -> bool:
    """Return whether a view is made at full resolution and then halved, as the encoder does.

    Files that are as coarse as the context network wants them already are not made finer
    first: that would blur them.

    Parameters
    ----------
    zoom : float
        µm per pixel of the files / µm per pixel of the detail network.
    """
    return scale == "context" and zoom < CONTEXT_ZOOM


def plain_view(
    image: Pixels, scale: Scale, tile_mpp: float, target_mpp: float, image_px: int
) -> Pixels:
    """Return the whole tile as the network would see it in a slide, without augmentation.

    Parameters
    ----------
    image_px : int
        Edge of the images that the encoder gives the networks.  A smaller tile is mirrored up
        to it: on smaller images the attention's 7 x 7 windows see mostly borders, and answer
        as they never would in a slide.
    """
    zoom = tile_mpp / target_mpp
    halved = is_halved(scale, zoom)
    if scale == "context" and not halved:
        zoom /= 2
    # Even, so that halving is exact.
    edges = [2 * round(edge * zoom / 2) for edge in image.shape[1::-1]]
    shrinks = edges[0] < image.shape[1]
    # Area means shrink without aliasing, and enlarge into blocks.
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    fine = np.asarray(cv2.resize(image, edges, interpolation=method), np.uint8)
    whole = _mirrored(fine, 2 * image_px if halved else image_px)
    return halve(whole) if halved else whole


def _mirrored(image: Pixels, edge: int) -> Pixels:
    """Return an image whose sides are at least ``edge``, with itself mirrored around it."""
    missing = [max(0, edge - side) for side in image.shape[:2]]
    around = [(part // 2, part - part // 2) for part in missing]
    return np.pad(image, (*around, (0, 0)), mode="reflect") if any(missing) else image


class TrainingViews(Dataset[tuple[Tensor, int, int]]):
    """Random views of labelled tiles; item (epoch, i) is the same on every machine and run.

    An item is the view, its class and its cluster of linked groups.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        labels: Sequence[int],
        clusters: Sequence[int],
        *,
        scale: Scale,
        view_px: int,
        zoom: float,
        augment: AugmentConfig,
        seed: int,
    ) -> None:
        self.paths, self.labels, self.clusters = list(paths), list(labels), list(clusters)
        self.scale, self.view_px, self.zoom = scale, view_px, zoom
        self.augment, self.seed = augment, seed

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, key: Key) -> tuple[Tensor, int, int]:
        epoch, index = key
        rng = np.random.default_rng([self.seed, epoch, index])
        image = read_tile(self.paths[index])
        view_px, zoom = self.view_px, self.zoom
        halved = is_halved(self.scale, zoom)
        if halved:
            view_px *= 2
        elif self.scale == "context":
            zoom /= 2
        view = random_view(image, view_px, zoom, self.augment, rng)
        if halved:
            view = halve(view)
        # Copied: torch wants memory of its own, in order, to hand between processes.
        pixels = torch.from_numpy(view.transpose(2, 0, 1).copy())
        return pixels, self.labels[index], self.clusters[index]


class _EpochSampler:
    """Yield batches of (epoch, index) in an order that depends on seed and epoch alone."""

    def __init__(self, size: int, batch_size: int, seed: int, epochs: range) -> None:
        self.size, self.batch_size, self.seed, self.epochs = size, batch_size, seed, epochs

    def __iter__(self) -> Iterator[list[Key]]:
        for epoch in self.epochs:
            order = np.random.default_rng([self.seed, epoch]).permutation(self.size)
            # The last, smaller batch is left out: batch norm needs more than one image.
            for start in range(0, self.size - self.batch_size + 1, self.batch_size):
                yield [(epoch, int(i)) for i in order[start : start + self.batch_size]]


def training_batches(
    views: TrainingViews, *, batch_size: int, epochs: range, workers: int
) -> DataLoader[tuple[Tensor, int, int]]:
    """Return one loader over all the epochs, so that workers never wait at an epoch's end."""
    sampler = _EpochSampler(len(views), batch_size, views.seed, epochs)
    return DataLoader(
        views,
        batch_sampler=sampler,
        num_workers=workers,
        worker_init_fn=_one_thread if workers else None,
        # A fork would copy the locks of torch's and OpenCV's threads.
        multiprocessing_context="spawn" if workers else None,
    )


def _one_thread(_: int) -> None:
    cv2.setNumThreads(1)
