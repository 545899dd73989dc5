"""Our own kinds of network keep the contract that authors of others are held to."""

from pathlib import Path

import pytest
import torch

from msfusion_sdk.encoder import FeatureNetwork
from msfusion_sdk.encoder.sources.naming import NetworkSpec
from msfusion_sdk.encoder.sources.opening import open_network
from msfusion_sdk.testing import NetworkContract

from ..networks_made import Pooled, facts, onnx_file, seeded, timm_case


class TestModule(NetworkContract):
    def network(self) -> FeatureNetwork:
        spec = NetworkSpec(seeded(Pooled()), facts=facts("pooled", 64, 16))
        return open_network(spec).network


class TestTimm(NetworkContract):
    @pytest.fixture(autouse=True)
    def _made(self, tmp_path: Path) -> None:
        pytest.importorskip("timm")
        self.case = timm_case("vit", tmp_path)

    def network(self) -> FeatureNetwork:
        return open_network(NetworkSpec(self.case.source, **self.case.given)).network


class TestProgram(NetworkContract):
    @pytest.fixture(autouse=True)
    def _made(self, tmp_path: Path) -> None:
        pytest.importorskip("openvino")
        pytest.importorskip("onnx")
        self.path = onnx_file(tmp_path / "pooled.onnx", seeded(Pooled()))

    def network(self) -> FeatureNetwork:
        return open_network(NetworkSpec(str(self.path), facts=facts("pooled", 64, 16))).network


class _Uneven(torch.nn.Module):
    """Answers by the place in the batch: what no network may do."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        rows = images.mean((2, 3))
        return torch.cat([rows, rows.cumsum(0)], 1)


def test_a_network_whose_numbers_depend_on_the_batch_does_not_keep_the_contract() -> None:
    class Contract(NetworkContract):
        def network(self) -> FeatureNetwork:
            return open_network(NetworkSpec(_Uneven(), facts=facts("uneven", 32, 6))).network

    with pytest.raises(AssertionError):
        Contract().test_an_image_alone_has_the_numbers_it_has_among_others()
