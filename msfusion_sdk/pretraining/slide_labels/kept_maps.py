"""What frozen networks give for a slide's patches, computed once: only the attention learns.

A file per slide, float16, of patches that the seed fixes.  A ViT-L takes minutes for a slide on a
CPU, and its maps are the same in every epoch.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from msfusion_sdk.config import AttentionFusionConfig, EncoderConfig, FeatureNetworksConfig
from msfusion_sdk.encoder.backends.converting import converted
from msfusion_sdk.encoder.networks.attended import AttendedNetwork
from msfusion_sdk.encoder.networks.attention_weights import fuse_patches
from msfusion_sdk.encoder.networks.contract import FeatureMaps, Features
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.encoder.networks.scales import split_scales
from msfusion_sdk.errors import NetworkFactsError, StoreFullError
from msfusion_sdk.files import storing
from msfusion_sdk.pretraining.annotated.cutting import slide_key
from msfusion_sdk.pretraining.slide_labels.bags import Bag

__all__ = ["KeptMaps", "weighing_by_attention"]

PARTS = ("map", "pooled")


def weighing_by_attention(
    model: TwoScaleModel, config: EncoderConfig
) -> tuple[TwoScaleModel, EncoderConfig]:
    """Return frozen networks under an attention that counts as trained, which it is to become.

    Raises
    ------
    NetworkFactsError
        When the networks are the method's own, or one of them gives no map.
    """
    found, attended = config.network, model.attended()
    if not isinstance(found, FeatureNetworksConfig) or any(
        network.attention is None for network in attended.values()
    ):
        msg = (
            f"{config.name} has no frozen networks with maps for an attention to see. Give --start "
            "instead of --network for a model of the method's own networks, which are fine-tuned."
        )
        raise NetworkFactsError(msg)
    attention = found.attention.model_copy(update={"trained": True})
    update = {
        "network": found.model_copy(update={"attention": attention}),
        "fusion": AttentionFusionConfig(score="attention"),
    }
    settings = config.model_copy(update=update)
    return model.with_settings(settings), settings


class KeptMaps:
    """The slide vectors of frozen networks, differentiable in their attention.

    Parameters
    ----------
    model : TwoScaleModel
        Of frozen networks; on the CPU.
    folder : Path
        Where the maps are kept; a run that was stopped finds them again.
    patches, seed : int
        How many patches of a slide at most, and which.
    limit_gb : float
        Of all maps together; more is refused after the first slide.
    """

    def __init__(
        self, model: TwoScaleModel, folder: Path, *, patches: int, seed: int, limit_gb: float
    ) -> None:
        self._model, self._folder = model, folder
        self._patches, self._seed, self._limit_gb = patches, seed, limit_gb
        self._networks = _fast(model)

    def compute(self, bag: Bag, slides: int) -> None:
        """Compute the maps of a slide, unless they are there.

        Parameters
        ----------
        slides : int
            How many there are in all.

        Raises
        ------
        StoreFullError
            When so many slides would take more than the limit.
        SlideError
            When the slide cannot be read.
        """
        path = self._path(bag)
        if not path.is_file():
            rng = np.random.default_rng([self._seed, int(slide_key(bag.entry.slide_id), 16)])
            pixels = torch.from_numpy(bag.draw(self._patches, rng)).permute(0, 3, 1, 2)
            found = self._maps(pixels)
            size_gb = slides * sum(value.nbytes for value in found.values()) / 1e9
            if size_gb > self._limit_gb:
                msg = (
                    f"The maps of {slides} slides take {size_gb:.1f} GB, more than cache_gb="
                    f"{self._limit_gb:g}. Raise it (--cache-gb), or lower judged_patches."
                )
                raise StoreFullError(msg)
            path.parent.mkdir(parents=True, exist_ok=True)
            with storing(path) as temporary:
                save_file(found, temporary)

    def vector(self, bag: Bag) -> Tensor:
        """Return the slide vector, shape (length,), of maps that were computed."""
        kept = load_file(self._path(bag))
        seen = {
            scale: network.attend(FeatureMaps(*(_float(kept.get(f"{scale}.{p}")) for p in PARTS)))
            for scale, network in self._model.attended().items()
        }
        rule = self._model.fusion.patch_weights
        detail, context = seen["detail"], seen.get("context")
        count = len(detail.scores) // self._model.geometry.tiles_per_patch
        tiles = Features(*(value.reshape(count, -1, *value.shape[1:]) for value in detail))
        if context is None:
            context = Features(detail.vectors.new_empty(count, 0), tiles.scores.mean(1))
        fused = self._model.fuse(context.vectors, tiles.vectors, context.scores, tiles.scores)
        return fuse_patches(fused.vectors, fused.context_scores, rule)

    @torch.inference_mode()
    def _maps(self, pixels: Tensor) -> dict[str, Tensor]:
        parts: dict[str, list[Tensor]] = {}
        for patch in torch.split(pixels, 1):  # bounds memory: a patch may be seventeen images
            context, tiles = split_scales(patch, self._model.geometry)
            images = {"context": context, "detail": tiles.flatten(0, 1)}
            for scale, network in self._networks.items():
                found = network.maps(images[scale])
                for part, value in zip(PARTS, found, strict=True):
                    if value is not None:
                        number = torch.float16 if part == "map" else torch.float32
                        parts.setdefault(f"{scale}.{part}", []).append(value.to(number))
        return {name: torch.cat(values).contiguous() for name, values in parts.items()}

    def _path(self, bag: Bag) -> Path:
        return self._folder / f"{slide_key(bag.entry.slide_id)}.safetensors"


def _fast(model: TwoScaleModel) -> dict[str, AttendedNetwork]:
    """Return the networks, several times as fast where OpenVINO is there and agrees."""
    edges = {"detail": model.geometry.tile_size_px, "context": model.geometry.context_size_px}
    return {
        scale: network.with_backbone(converted(network.backbone, edges[scale], "fp32").network)
        for scale, network in model.attended().items()
    }


def _float(value: Tensor | None) -> Tensor | None:
    return None if value is None else value.float()
