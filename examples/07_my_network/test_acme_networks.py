"""The network keeps the contract of every network, and does what it is for."""

import torch
from acme_networks import BandsNet

from msfusion_sdk.encoder import FeatureNetwork
from msfusion_sdk.testing import NetworkContract


class TestBandsNet(NetworkContract):
    """Every clause of the contract."""

    def network(self) -> FeatureNetwork:
        """Return the network under test."""
        return BandsNet()


def test_an_even_image_has_nothing_of_any_size() -> None:
    features = BandsNet().maps(torch.full((1, 3, 128, 128), 90)).map
    assert features is not None
    assert features.abs().max() < 1e-6
