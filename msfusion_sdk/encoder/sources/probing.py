"""Look at what a network gives without computing it: shapes alone, where torch can."""

from typing import NamedTuple

import torch

from msfusion_sdk.encoder.networks.contract import FeatureMaps, FeatureNetwork, joined, vector_of
from msfusion_sdk.errors import ImageSizeError, MsfusionError

__all__ = ["Probe", "length_of", "probe"]


class Probe(NamedTuple):
    """What one image gives."""

    features: int
    """Length of the vector."""
    channels: int | None
    """Features of a place of the map; None without a map."""
    grid: int | None
    """Places per edge."""


def probe(network: FeatureNetwork, edge_px: int) -> Probe:
    """Return the sizes of what a network gives for an image, which it must be able to take.

    Raises
    ------
    ImageSizeError
        When the network fails on images of this edge.
    ShapeError, NetworkFactsError
        When it does not give what its facts say.
    """
    maps = _maps(network, edge_px)
    vectors = vector_of(maps, network.facts)
    if maps.map is None:
        return Probe(vectors.shape[1], None, None)
    return Probe(vectors.shape[1], maps.map.shape[1], maps.map.shape[2])


def length_of(network: FeatureNetwork, edge_px: int) -> int:
    """Return the length of the vector by the readout of the facts, whatever these say of it."""
    return joined(_maps(network, edge_px), network.facts).shape[1]


def _maps(network: FeatureNetwork, edge_px: int) -> FeatureMaps:
    try:
        return _shapes(network, edge_px)
    except MsfusionError:
        raise
    except Exception:
        # Not every module can be run without numbers.
        return _computed(network, edge_px)


def _shapes(network: FeatureNetwork, edge_px: int) -> FeatureMaps:
    named = [*network.named_parameters(), *network.named_buffers()]
    # Tensors without numbers: shapes are worked out, nothing is computed or held.
    tensors = {name: value.detach().to("meta") for name, value in named}
    images = torch.zeros(1, 3, edge_px, edge_px, device="meta")
    with torch.no_grad():
        maps: FeatureMaps = torch.func.functional_call(network, tensors, (images,))
    return maps


def _computed(network: FeatureNetwork, edge_px: int) -> FeatureMaps:
    device = network.pixel_mean.device
    try:
        with torch.no_grad():
            return network.maps(torch.zeros(1, 3, edge_px, edge_px, device=device))
    except MsfusionError:
        raise
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        msg = (
            f"{network.facts.name} does not take images of {edge_px} px ({reason}). Correct "
            "image_px or multiple_px in its facts, or the geometry."
        )
        raise ImageSizeError(msg) from error
