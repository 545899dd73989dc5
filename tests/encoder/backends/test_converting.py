"""Networks from elsewhere in OpenVINO: taken where they agree with torch, and else not."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from msfusion_sdk import SlideEncoder
from msfusion_sdk.config import Licence
from msfusion_sdk.encoder.backends.base import weights_stamp
from msfusion_sdk.encoder.backends.converting import cache_folder, converted
from msfusion_sdk.encoder.backends.devices import Runtime
from msfusion_sdk.encoder.networks.contract import FeatureNetwork
from msfusion_sdk.encoder.sources.naming import NetworkSpec
from msfusion_sdk.encoder.sources.opening import open_network

from ..networks_made import OPEN, Pooled, Tokens, facts, seeded

pytestmark = pytest.mark.slow

PRIVATE = Licence(name="CC-BY-NC-ND-4.0", gated=True)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("openvino")
    monkeypatch.setenv("MSFUSION_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def network(module: nn.Module, features: int, licence: Licence = OPEN) -> FeatureNetwork:
    known = facts("x", 64, features, multiple_px=8, licence=licence)
    return open_network(NetworkSpec(seeded(module), facts=known)).network


@pytest.mark.parametrize(("module", "features"), [(Pooled(), 16), (Tokens(), 20)])
def test_a_network_gives_torchs_numbers_for_any_batch(module: nn.Module, features: int) -> None:
    wanted = network(module, features)
    found = converted(wanted, 64, "fp32")
    # ``len`` in the user's module is a fixed number to the converter, and that is noticed.
    assert found.backend == ("openvino" if features == 16 else "torch")
    assert found.difference < 1e-5
    images = torch.randint(0, 256, (5, 3, 64, 64), dtype=torch.uint8)
    for one, other in zip(found.network.maps(images), wanted.maps(images), strict=True):
        assert (one is None) == (other is None)
        assert one is None or torch.allclose(one, other, atol=1e-4)


class Sorted(nn.Module):
    """Looks at numbers in Python, which no converter follows."""

    def forward(self, images: Tensor) -> Tensor:
        rows = images.mean((2, 3))
        return torch.stack([row * (2.0 if float(row[0]) > 0 else -3.0) for row in rows])


def test_a_network_that_conversion_changes_stays_in_torch_and_says_why() -> None:
    found = converted(network(Sorted(), 3), 64, "fp32")
    assert found.backend == "torch"
    assert found.remark


def test_large_weights_stay_where_workers_share_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("msfusion_sdk.encoder.backends.converting.LARGE_BYTES", 1000)
    found = converted(network(Pooled(), 16), 64, "fp32")
    assert (found.backend, found.difference) == ("torch", 0.0)
    assert "stay mapped" in found.remark


def test_graphs_of_weights_that_may_be_shared_are_kept_and_used_again(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = network(Pooled(), 16)
    first = converted(shared, 64, "fp32").network
    (graph,) = (cache / "graphs").glob("*.xml")
    assert graph.with_suffix(".bin").is_file()
    monkeypatch.setattr(
        "msfusion_sdk.encoder.backends.converting._convert",
        lambda *_: pytest.fail("it was converted again"),
    )
    images = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    again = converted(shared, 64, "fp32").network
    assert torch.equal(again.maps(images).pooled, first.maps(images).pooled)


def test_of_weights_that_may_not_be_shared_nothing_is_written(cache: Path) -> None:
    found = converted(network(Pooled(), 16, PRIVATE), 64, "fp32")
    assert found.backend == "openvino"
    assert not cache.exists()


def test_bf16_is_measured(cache: Path) -> None:
    found = converted(network(Pooled(), 16), 64, "bf16")
    assert 0 <= found.difference < 0.3


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MSFUSION_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "msfusion_sdk"


def test_the_result_says_what_computed_it_and_how_far_it_is_from_fp32(tiny_slide: Path) -> None:
    made = SlideEncoder.from_networks(seeded(Pooled()), facts=facts("x", 64, 16), device="cpu")
    runtime = Runtime("cpu", "fp32", "openvino")
    sha = "0" * 64
    encoder = SlideEncoder(made.model, made.config, runtime, weights_sha256=sha)
    ran = encoder.encode(tiny_slide).provenance.runtime
    assert (ran.backend, ran.remark) == ("openvino", "")
    assert ran.difference < 1e-5


def test_frozen_weights_are_not_summed_at_every_call() -> None:
    class Big(Pooled):
        def __init__(self) -> None:
            super().__init__()
            self.large = nn.Parameter(torch.ones(1000))

    made = SlideEncoder.from_networks(seeded(Big()), facts=facts("x", 64, 16), device="cpu")
    before = weights_stamp(made.model)
    frozen = made.model.detail.features.backbone
    assert len(before) < 1000
    with torch.no_grad():
        next(frozen.parameters()).mul_(2)
    assert weights_stamp(made.model) != before
