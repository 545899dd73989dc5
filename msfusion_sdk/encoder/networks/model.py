"""The two-scale model: a context and a detail network, and the fusion of what they see."""

import copy
from collections.abc import Mapping
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from msfusion_sdk.config import EncoderConfig
from msfusion_sdk.encoder.networks.attended import AttendedNetwork
from msfusion_sdk.encoder.networks.attention_weights import fuse_patches, fuse_tiles
from msfusion_sdk.encoder.networks.contract import Features
from msfusion_sdk.encoder.networks.network import ImageClassifier
from msfusion_sdk.encoder.networks.scales import split_scales

__all__ = ["PatchFeatures", "TwoScaleModel", "split_scales"]


LEAST_EVIDENCE = 1e-3


class PatchFeatures(NamedTuple):
    """What the model says of a batch of patches."""

    vectors: Tensor
    """Shape (patch, length): context features, then fused tile features."""
    context_scores: Tensor
    """Shape (patch,), in (0, 1); with a single scale the mean of the tile scores."""
    tile_scores: Tensor
    """Shape (patch, tile), in (0, 1); row by row."""


class TwoScaleModel(nn.Module):
    """Both networks with their training classifiers, as one set of weights.

    Parameters
    ----------
    config : EncoderConfig
    networks : mapping, optional
        Networks from elsewhere with their attention, ``detail`` and perhaps ``context``, for a
        configuration that names them.
    """

    def __init__(
        self, config: EncoderConfig, networks: Mapping[str, AttendedNetwork] | None = None
    ) -> None:
        super().__init__()
        given = networks or {}
        background = config.network.background
        self.background = None if background is None else config.network.classes.index(background)
        has_context = config.network.context_features > 0
        # Which also fixes the order of the tensors in a file.
        self.context = (
            ImageClassifier(config.network, given.get("context")) if has_context else None
        )
        self.detail = ImageClassifier(config.network, given.get("detail"))
        self.fusion, self.geometry = config.fusion, config.patches

    def forward(self, patches: Tensor, images_per_pass: int | None = None) -> PatchFeatures:
        """Return the features of patches, shape (patch, 3, size, size), RGB in 0..255.

        Differentiable.  ``images_per_pass`` bounds memory by running the networks on that many
        images at a time, for gradients a second time; the result does not depend on it.
        """
        context_images, tile_images = split_scales(patches, self.geometry)
        count, per_patch = tile_images.shape[:2]
        tiles = _in_passes(self.detail.features, tile_images.flatten(0, 1), images_per_pass)
        tile_vectors = tiles.vectors.reshape(count, per_patch, -1)
        tile_scores = tiles.scores.reshape(count, per_patch)
        if self.context is None or self.geometry.single_scale:
            nothing = tile_vectors.new_empty(count, 0)
            return self.fuse(nothing, tile_vectors, tile_scores.mean(1), tile_scores)
        context = _in_passes(self.context.features, context_images, images_per_pass)
        return self.fuse(context.vectors, tile_vectors, context.scores, tile_scores)

    def fuse(
        self, context: Tensor, tiles: Tensor, context_scores: Tensor, tile_scores: Tensor
    ) -> PatchFeatures:
        """Return patches from what the networks say of their images.

        Parameters
        ----------
        context : shape (patch, context features)
        tiles : shape (patch, tile, detail features)
        context_scores, tile_scores : shape (patch,) and (patch, tile)
            By attention; scores by evidence, or none, take their place where the settings say so.
        """
        if self.fusion.score == "evidence":
            tile_scores = self._evidence(tiles)
            context_scores = tile_scores.mean(1)
        elif self.fusion.score == "none":
            tile_scores = torch.full_like(tile_scores, 0.5)
            context_scores = torch.full_like(context_scores, 0.5)
        vectors = fuse_tiles(context, tiles, tile_scores, self.fusion.tile_weights)
        return PatchFeatures(vectors, context_scores, tile_scores)

    def _evidence(self, tiles: Tensor) -> Tensor:
        """Return how little the classifier takes tiles for background, shape (patch, tile)."""
        head = self.detail.head
        logits: Tensor = head(tiles.to(next(head.parameters()).dtype)).float()
        # Never zero, so that a slide of background alone has weights.
        return (1 - logits.softmax(-1)[..., self.background]).clamp_min(LEAST_EVIDENCE)

    def with_settings(self, config: EncoderConfig) -> Self:
        """Return a model of the same networks, shared and not copied, with other settings."""
        twin = copy.copy(self)
        # A shallow copy shares the table of children, through which one twin could swap
        # the networks of the other.
        twin._modules = dict(self._modules)
        twin.fusion, twin.geometry = config.fusion, config.patches
        return twin

    def attended(self) -> dict[str, AttendedNetwork]:
        """Return the networks from elsewhere by their scale; none in a model of the method."""
        both = {"context": self.context, "detail": self.detail}
        return {
            scale: found.features
            for scale, found in both.items()
            if found is not None and isinstance(found.features, AttendedNetwork)
        }

    def with_networks(self, networks: Mapping[str, AttendedNetwork]) -> Self:
        """Return a model with these networks in place of its own, all else shared."""
        twin = copy.copy(self)
        twin._modules = dict(self._modules)
        for scale, network in networks.items():
            # Copied as well, so that the model with the old network keeps its own.
            classifier = copy.copy(self._modules[scale])
            assert isinstance(classifier, ImageClassifier)
            classifier._modules = {**classifier._modules, "features": network}
            twin._modules[scale] = classifier
        return twin

    def own_state(self) -> dict[str, Tensor]:
        """Return the tensors that belong to the model: all but those of frozen backbones."""
        return {
            name: value
            for name, value in self.state_dict().items()
            if ".features.backbone." not in name
        }

    def slide_vector(self, patches: Tensor) -> Tensor:
        """Return the fused vector, shape (length,), of one slide's patches; differentiable."""
        features: PatchFeatures = self(patches)
        return fuse_patches(features.vectors, features.context_scores, self.fusion.patch_weights)


def _in_passes(network: nn.Module, images: Tensor, images_per_pass: int | None) -> Features:
    if images_per_pass is None or len(images) <= images_per_pass:
        out: Features = network(images)
        return out
    parts = [
        # Keeps no activations: each pass is computed again when its gradients are needed.
        checkpoint(network, part, use_reentrant=False) if torch.is_grad_enabled() else network(part)
        for part in torch.split(images, images_per_pass)
    ]
    return Features(torch.cat([p.vectors for p in parts]), torch.cat([p.scores for p in parts]))
