"""Networks of timm: the only module that imports it (extra ``[networks]``)."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from msfusion_sdk.config import NetworkFacts
from msfusion_sdk.encoder.kinds.tokens import maps_of_tokens
from msfusion_sdk.encoder.networks.contract import FeatureMaps, FeatureNetwork
from msfusion_sdk.errors import NetworkFactsError
from msfusion_sdk.extras import import_extra

__all__ = ["TimmNetwork", "build_timm", "timm_statistics"]

LAYERS = ("timm.layers.", "torch.nn.")
"""Where a layer that is named in the arguments may come from."""


class TimmNetwork(FeatureNetwork):
    """A model of timm, read by the contract."""

    def __init__(self, facts: NetworkFacts, module: nn.Module) -> None:
        super().__init__(facts)
        self.module: Any = module

    def maps(self, images: Tensor) -> FeatureMaps:
        """See ``FeatureNetwork.maps``."""
        answer = self.module.forward_features(self.normalise(images))
        own = None
        if self.facts.readout == "pooled":
            # The model's own pooling and norm, without its classifier.
            own = self.module.forward_head(answer, pre_logits=True)
        if answer.ndim == 3:
            prefix = getattr(self.module, "num_prefix_tokens", 0)
            return maps_of_tokens(answer, answer.shape[1] - prefix, own)
        if getattr(self.module, "output_fmt", "NCHW") == "NHWC":
            answer = answer.permute(0, 3, 1, 2)
        return FeatureMaps(answer, own)


def build_timm(architecture: str, arguments: dict[str, Any]) -> nn.Module:
    """Return a model of timm without weights that mean anything.

    Parameters
    ----------
    architecture : str
        As timm lists it.
    arguments : dict
        Of timm's ``create_model``; layers by name, ``timm.layers.SwiGLUPacked`` say.

    Raises
    ------
    MissingExtraError, NetworkFactsError
    """
    timm = import_extra("timm", "networks", "A network of timm", "pass a module of your own")
    # A filter by the first word: listing all a thousand names takes longer.
    if architecture not in timm.list_models(architecture.split(".")[0]):
        close = timm.list_models(f"*{architecture[:8]}*")[:5]
        msg = f"timm {timm.__version__} has no architecture {architecture!r} (near: {close})."
        raise NetworkFactsError(msg)
    given = {name: _layer(value) for name, value in arguments.items()}
    try:
        # Without the classifier, unless the arguments say otherwise.
        model: nn.Module = timm.create_model(
            architecture, pretrained=False, **{"num_classes": 0, **given}
        )
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        msg = f"timm cannot build {architecture!r} with the arguments {arguments}: {error}."
        raise NetworkFactsError(msg) from error
    return model.eval()


def timm_statistics(module: nn.Module) -> dict[str, Any]:
    """Return what timm says of a model's input and output, as fields of ``NetworkFacts``."""
    known: Any = module
    config = known.pretrained_cfg
    patch = getattr(getattr(known, "patch_embed", None), "patch_size", None)
    is_flexible = getattr(known, "dynamic_img_size", False)
    if patch is None:  # a network of convolutions takes what its strides divide
        multiple = None if "swin" in str(config.get("architecture")) else 32
    else:
        # A transformer with fixed position embeddings takes one size alone.
        multiple = math.lcm(*patch) if is_flexible else None
    size = getattr(getattr(known, "patch_embed", None), "img_size", None)
    return {
        "image_px": size[0] if size else config["input_size"][-1],
        "multiple_px": multiple,
        "pixel_mean": tuple(config["mean"]),
        "pixel_std": tuple(config["std"]),
        **_usual_vector(known),
    }


def _usual_vector(module: Any) -> dict[str, Any]:
    """Return the readout that gives what the model itself would, and its length.

    A model with a class token may yet average its places (EVA-02), or have two such tokens.
    """
    has_one_token = getattr(module, "num_prefix_tokens", 0) and not hasattr(module, "head_dist")
    if has_one_token and getattr(module, "global_pool", "token") in ("token", ""):
        return {"features": module.num_features, "readout": "cls"}
    width = getattr(module, "head_hidden_size", None) or module.num_features
    return {"features": width, "readout": "pooled"}


def _layer(value: Any) -> Any:
    if not (isinstance(value, str) and value.startswith(LAYERS)):
        return value
    home, _, name = value.rpartition(".")
    module = torch.nn if home == "torch.nn" else import_extra(home, "networks", value)
    if not hasattr(module, name):
        msg = f"{value} names no layer that is here."
        raise NetworkFactsError(msg)
    return getattr(module, name)
