"""Any torch module of the caller's as a feature network."""

from typing import Any

import torch
from torch import Tensor, nn

from msfusion_sdk.config import NetworkFacts
from msfusion_sdk.encoder.kinds.tokens import maps_of_answer
from msfusion_sdk.encoder.networks.contract import FeatureMaps, FeatureNetwork

__all__ = ["ModuleNetwork"]


class ModuleNetwork(FeatureNetwork):
    """A module that takes normalised images and answers with a vector, tokens or a map.

    What it answers is looked at, so models of transformers, whose answer is an object with
    ``last_hidden_state``, need nothing more.
    """

    def __init__(self, facts: NetworkFacts, module: nn.Module) -> None:
        super().__init__(facts)
        self.module: Any = module

    def maps(self, images: Tensor) -> FeatureMaps:
        """See ``FeatureNetwork.maps``."""
        answer = self.module(self.normalise(images).to(self._dtype()))
        maps = maps_of_answer(answer, images.shape[-1], self.facts.multiple_px)
        if self.facts.readout == "pooled" or maps.pooled is None or maps.map is None:
            return maps
        # A readout of the class token means the token, not what a model has made of it.
        tokens = getattr(answer, "last_hidden_state", answer)
        if isinstance(tokens, torch.Tensor) and tokens.ndim == 3:
            return FeatureMaps(maps.map, tokens[:, 0])
        return maps

    def _dtype(self) -> torch.dtype:
        """Return the number format of the module's weights: libraries load half precision too."""
        formats = (p.dtype for p in self.module.parameters() if p.is_floating_point())
        return next(formats, torch.float32)
