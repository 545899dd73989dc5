"""Networks of torchvision: the only module that imports it for networks."""

from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from msfusion_sdk.config import NetworkFacts
from msfusion_sdk.encoder.kinds.tokens import maps_of_tokens
from msfusion_sdk.encoder.networks.contract import FeatureMaps, FeatureNetwork
from msfusion_sdk.errors import NetworkFactsError

__all__ = ["TorchvisionNetwork", "build_torchvision", "torchvision_statistics"]


class TorchvisionNetwork(FeatureNetwork):
    """A classification model of torchvision, up to its classifier."""

    def __init__(self, facts: NetworkFacts, module: nn.Module) -> None:
        super().__init__(facts)
        self.module: Any = module

    def maps(self, images: Tensor) -> FeatureMaps:
        """See ``FeatureNetwork.maps``."""
        pixels, model = self.normalise(images), self.module
        if hasattr(model, "conv_proj"):  # a vision transformer
            # ``forward`` gives the class token alone; its steps are repeated here for the others.
            tokens = model._process_input(pixels)
            first = model.class_token.expand(tokens.shape[0], -1, -1)
            answer = model.encoder(torch.cat([first, tokens], 1))
            return maps_of_tokens(answer, tokens.shape[1])
        if hasattr(model, "layer4"):  # a residual network
            features = model.maxpool(model.relu(model.bn1(model.conv1(pixels))))
            for stage in (model.layer1, model.layer2, model.layer3, model.layer4):
                features = stage(features)
            return FeatureMaps(features, features.mean((2, 3)))
        features = model.features(pixels)
        if hasattr(model, "permute"):  # Swin: channels last until here
            features = model.permute(model.norm(features))
        pooled, norm = features.mean((2, 3)), _norm_of(model)
        if norm is not None:
            # In the model it comes after the pooling, so it is no part of the map.
            pooled = norm(pooled[..., None, None]).flatten(1)
        return FeatureMaps(features, pooled)


def _norm_of(model: Any) -> nn.Module | None:
    """Return ConvNeXt's layer norm, which lies in its classifier and belongs to the features."""
    classifier = getattr(model, "classifier", None)
    first = classifier[0] if isinstance(classifier, nn.Sequential) else None
    return first if type(first).__name__ == "LayerNorm2d" else None


def build_torchvision(architecture: str, arguments: dict[str, Any]) -> nn.Module:
    """Return a model of torchvision without weights that mean anything.

    Raises
    ------
    NetworkFactsError
        When torchvision has none of this name.
    """
    models = import_module("torchvision.models")
    if architecture not in models.list_models(module=models):
        known = ", ".join(models.list_models(module=models)[:8])
        msg = f"torchvision has no classification model {architecture!r} (it has {known}, …)."
        raise NetworkFactsError(msg)
    try:
        model: nn.Module = models.get_model(architecture, weights=None, **arguments)
    except (TypeError, ValueError) as error:
        msg = f"torchvision cannot build {architecture!r} with {arguments}: {error}."
        raise NetworkFactsError(msg) from error
    return model.eval()


def torchvision_statistics(architecture: str, module: nn.Module) -> dict[str, Any]:
    """Return what torchvision says of a model's input, and its number of features."""
    known: Any = module
    weights = import_module("torchvision.models").get_model_weights(architecture).DEFAULT
    transform = weights.transforms()
    is_transformer = hasattr(known, "conv_proj")
    return {
        "image_px": transform.crop_size[0],
        "multiple_px": None if is_transformer else 32,
        "pixel_mean": tuple(transform.mean),
        "pixel_std": tuple(transform.std),
        "features": _last_width(known),
        "readout": "cls" if is_transformer else "pooled",
    }


def _last_width(model: Any) -> int:
    linear = [m for m in model.modules() if isinstance(m, nn.Linear)]
    if not linear:
        msg = f"{type(model).__name__} has no classifier that tells its number of features."
        raise NetworkFactsError(msg)
    return int(linear[-1].in_features)
