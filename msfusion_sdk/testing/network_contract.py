"""What every feature network must do, as a pytest class that its author subclasses.

    from msfusion_sdk.testing import NetworkContract

    class TestAcmeNet(NetworkContract):
        def network(self):
            return AcmeNet()

Needs pytest, which ``pip install "msfusion-sdk[test]"`` brings.
"""

# ruff: noqa: D102 - the name of a test is its sentence

import copy
from typing import Any

import pytest
import torch

from msfusion_sdk.encoder.networks.contract import FeatureMaps, FeatureNetwork, vector_of
from msfusion_sdk.encoder.slide_encoder import SlideEncoder

__all__ = ["NetworkContract"]

# Sums in another order differ in the last digits, and float32 holds seven.
_TOLERANCE = 1e-4


class NetworkContract:
    """Tests that hold for every feature network; subclass it and say what to test."""

    def network(self) -> FeatureNetwork:
        """Return the network with its weights; called anew in every test."""
        raise NotImplementedError

    def images(self, count: int = 3) -> torch.Tensor:
        """Return images of seeded noise, bytes of RGB, at the size the network was trained on."""
        edge = self.network().facts.image_px
        generator = torch.Generator().manual_seed(0)
        shape = (count, 3, edge, edge)
        return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)

    def maps(self, network: FeatureNetwork, images: torch.Tensor) -> FeatureMaps:
        """Return what a network gives, without gradients.

        Parameters
        ----------
        network : FeatureNetwork
        images : shape (image, 3, edge, edge), 0..255
        """
        with torch.inference_mode():
            return network.eval().maps(images)

    def test_it_gives_a_map_or_a_vector_for_each_image(self) -> None:
        images = self.images()
        maps = self.maps(self.network(), images)
        assert isinstance(maps, FeatureMaps)
        assert maps.map is not None or maps.pooled is not None
        if maps.map is not None:
            assert maps.map.ndim == 4
            assert len(maps.map) == len(images)
        if maps.pooled is not None:
            assert maps.pooled.ndim == 2
            assert len(maps.pooled) == len(images)

    def test_the_vector_has_the_length_that_the_facts_say(self) -> None:
        network = self.network()
        vectors = vector_of(self.maps(network, self.images()), network.facts)
        assert vectors.shape == (3, network.facts.features)
        assert vectors.isfinite().all()

    def test_bytes_and_floats_give_the_same(self) -> None:
        network, images = self.network(), self.images()
        _same(self.maps(network, images), self.maps(network, images.float()))

    def test_an_image_alone_has_the_numbers_it_has_among_others(self) -> None:
        network, images = self.network(), self.images()
        among = self.maps(network, images)
        alone = self.maps(network, images[1:2])
        _same(alone, FeatureMaps(*(None if v is None else v[1:2] for v in among)))

    def test_different_images_have_different_vectors(self) -> None:
        network = self.network()
        vectors = vector_of(self.maps(network, self.images()), network.facts)
        assert (vectors[0] - vectors[1]).abs().max() > 0

    def test_images_are_left_as_they_were(self) -> None:
        images = self.images()
        before = images.clone()
        self.maps(self.network(), images)
        assert torch.equal(images, before)

    def test_the_same_network_made_twice_has_the_same_weights(self) -> None:
        first, second = (self._encoder(self.network()) for _ in range(2))
        assert first.fingerprint == second.fingerprint

    def test_other_weights_have_another_fingerprint(self) -> None:
        network = self.network()
        if network.facts.weights is not None or not any(True for _ in network.parameters()):
            pytest.skip("the weights are named by their author")
        other = copy.deepcopy(network)
        with torch.no_grad():
            next(other.parameters()).add_(1)
        assert self._encoder(network).fingerprint != self._encoder(other).fingerprint

    def test_it_becomes_an_encoder(self) -> None:
        encoder = self._encoder(self.network())
        edge = encoder.config.patches.patch_size_px
        with torch.inference_mode():
            vector = encoder.forward(torch.zeros(2, 3, edge, edge))
        assert vector.shape == (encoder.config.vector_length,)

    def _encoder(self, network: FeatureNetwork) -> SlideEncoder:
        asked: dict[str, Any] = {} if network.facts.mpp else {"target_mpp": 0.5}
        return SlideEncoder.from_networks(network, device="cpu", precision="fp32", **asked)


def _same(found: FeatureMaps, expected: FeatureMaps) -> None:
    for one, other in zip(found, expected, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            scale = float(other.abs().max().clamp_min(1e-12))
            assert float((one - other).abs().max()) <= _TOLERANCE * scale
