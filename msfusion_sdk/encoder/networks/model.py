"""The two-scale model: a context and a detail network, and the fusion of what they see."""

import copy
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from msfusion_sdk.config import FEATURES, AttentionFusionConfig, EncoderConfig
from msfusion_sdk.encoder.networks.attention_weights import fuse_patches, fuse_tiles
from msfusion_sdk.encoder.networks.network import Features, ImageClassifier

__all__ = ["PatchFeatures", "TwoScaleModel", "split_scales"]


LEAST_EVIDENCE = 1e-3


class PatchFeatures(NamedTuple):
    """What the model says of a batch of patches."""

    vectors: Tensor
    """Shape (patch, 1024): context features, then fused tile features."""
    context_scores: Tensor
    """Shape (patch,), in (0, 1)."""
    tile_scores: Tensor
    """Shape (patch, 4), in (0, 1); top left, top right, bottom left, bottom right."""


def split_scales(patches: Tensor) -> tuple[Tensor, Tensor]:
    """Return the context images and the tiles of patches (method step 3).

    Parameters
    ----------
    patches : shape (patch, 3, size, size), size even, 0..255

    Returns
    -------
    context : shape (patch, 3, size/2, size/2)
        The exact 2 x 2 mean.
    tiles : shape (patch, 4, 3, size/2, size/2)
        Quadrants, row by row.
    """
    patch, channels, size, _ = patches.shape
    half = size // 2
    context = nn.functional.avg_pool2d(patches.float(), 2)
    quadrants = patches.reshape(patch, channels, 2, half, 2, half).permute(0, 2, 4, 1, 3, 5)
    return context, quadrants.reshape(patch, 4, channels, half, half)


class TwoScaleModel(nn.Module):
    """Both networks with their training classifiers, as one set of weights."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.fusion = config.fusion
        background = config.network.background
        self.background = None if background is None else config.network.classes.index(background)
        self.context = ImageClassifier(config.network)
        self.detail = ImageClassifier(config.network)

    def forward(self, patches: Tensor, images_per_pass: int | None = None) -> PatchFeatures:
        """Return the features of patches, shape (patch, 3, size, size), RGB in 0..255.

        Differentiable.  ``images_per_pass`` bounds memory by running the networks on that many
        images at a time, for gradients a second time; the result does not depend on it.
        """
        context_images, tile_images = split_scales(patches)
        context = _in_passes(self.context.features, context_images, images_per_pass)
        tiles = _in_passes(self.detail.features, tile_images.flatten(0, 1), images_per_pass)
        tile_vectors = tiles.vectors.reshape(len(patches), 4, FEATURES)
        tile_scores = tiles.scores.reshape(len(patches), 4)
        return self.fuse(context.vectors, tile_vectors, context.scores, tile_scores)

    def fuse(
        self, context: Tensor, tiles: Tensor, context_scores: Tensor, tile_scores: Tensor
    ) -> PatchFeatures:
        """Return patches from what the networks say of their images.

        Parameters
        ----------
        context : shape (patch, 512)
        tiles : shape (patch, 4, 512)
        context_scores, tile_scores : shape (patch,) and (patch, 4)
            By attention; scores by evidence take their place where the settings say so.
        """
        if self.fusion.score == "evidence":
            tile_scores = self._evidence(tiles)
            context_scores = tile_scores.mean(1)
        vectors = fuse_tiles(context, tiles, tile_scores, self.fusion.tile_weights)
        return PatchFeatures(vectors, context_scores, tile_scores)

    def _evidence(self, tiles: Tensor) -> Tensor:
        """Return how little the classifier takes tiles for background, shape (patch, 4)."""
        head = self.detail.head
        logits: Tensor = head(tiles.to(next(head.parameters()).dtype)).float()
        # Never zero, so that a slide of background alone has weights.
        return (1 - logits.softmax(-1)[..., self.background]).clamp_min(LEAST_EVIDENCE)

    def with_fusion(self, fusion: AttentionFusionConfig) -> Self:
        """Return a model of the same two networks, shared and not copied, with another fusion."""
        twin = copy.copy(self)
        # A shallow copy shares the table of children, through which one twin could swap
        # the networks of the other.
        twin._modules = dict(self._modules)
        twin.fusion = fusion
        return twin

    def slide_vector(self, patches: Tensor) -> Tensor:
        """Return the fused vector, shape (1024,), of one slide's patches; differentiable."""
        features: PatchFeatures = self(patches)
        return fuse_patches(features.vectors, features.context_scores, self.fusion.patch_weights)


def _in_passes(network: nn.Module, images: Tensor, images_per_pass: int | None) -> Features:
    if images_per_pass is None or len(images) <= images_per_pass:
        out: Features = network(images)
        return out
    parts = [
        checkpoint(network, part, use_reentrant=False) if torch.is_grad_enabled() else network(part)
        for part in torch.split(images, images_per_pass)
    ]
    return Features(torch.cat([p.vectors for p in parts]), torch.cat([p.scores for p in parts]))
