"""What is known of published networks: each is built without weights and has its parameters."""

import pytest
import torch

from msfusion_sdk import SlideEncoder
from msfusion_sdk.encoder.kinds.timm_networks import TimmNetwork, build_timm
from msfusion_sdk.encoder.kinds.torchvision_networks import TorchvisionNetwork, build_torchvision
from msfusion_sdk.encoder.sources.known import (
    KnownNetwork,
    known_by_hub,
    known_network,
    known_networks,
)
from msfusion_sdk.encoder.sources.probing import probe
from msfusion_sdk.errors import ModelIdError

pytestmark = pytest.mark.slow

KNOWN = known_networks()
PUBLISHED = [name for name, known in KNOWN.items() if known.parameters_m is not None]
BUILT = [n for n, k in KNOWN.items() if k.source != "module" and k.loads_by != "transformers"]
WITH_CLASSIFIER = ("efficientnet-lite0",)


def built(known: KnownNetwork) -> torch.nn.Module:
    if known.source == "timm":
        pytest.importorskip("timm")
    arguments = dict(known.arguments)
    if known.name in WITH_CLASSIFIER:
        arguments["num_classes"] = 1000
    build = build_timm if known.source == "timm" else build_torchvision
    with torch.device("meta"):
        return build(known.architecture, arguments)


def digits(value: float) -> int:
    return len(repr(value).partition(".")[2]) if value % 1 else 0


def test_there_are_twenty_whose_size_is_published() -> None:
    assert len(PUBLISHED) >= 20


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_network_has_as_many_parameters_as_published(name: str) -> None:
    known = KNOWN[name]
    count = sum(value.numel() for value in built(known).parameters()) / 1e6
    if known.parameters_m >= 1000 and not known.parameters_m % 10:  # "1.13 B"
        step = 100 if not known.parameters_m % 100 else 10
        assert round(count / step) * step == known.parameters_m
    else:
        assert round(count, digits(known.parameters_m)) == known.parameters_m


@pytest.mark.parametrize("name", BUILT)
def test_a_network_gives_as_many_features_as_stated(name: str) -> None:
    known = KNOWN[name]
    module = built(known)
    kind = TimmNetwork if known.source == "timm" else TorchvisionNetwork
    found = probe(kind(known.facts(), module), known.image_px)
    assert found.features == known.features
    assert found.channels is not None


def test_wrong_arguments_show_in_the_count() -> None:
    """H0-mini without its own layers, as the reference measured it."""
    pytest.importorskip("timm")
    known = known_network("h0-mini")
    wrong = {k: v for k, v in known.arguments.items() if k != "mlp_ratio"}
    with torch.device("meta"):
        module = build_timm(known.architecture, wrong)
    assert round(sum(v.numel() for v in module.parameters()) / 1e6, 1) == 71.6
    assert known.parameters_m == 85.7


def test_a_repository_is_found_whatever_its_case() -> None:
    assert known_by_hub("mahmoodlab/uni2-h").name == "uni2-h"
    assert known_by_hub("nobody/nothing") is None


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(ModelIdError, match="uni2-h"):
        known_network("uni3")


def test_licences_that_forbid_sharing_are_not_taken_for_others() -> None:
    for known in KNOWN.values():
        if "ND" in known.licence.name or "non-commercial" in known.licence.name:
            assert not known.licence.may_be_shared
            assert not known.licence.commercial


def test_networks_of_other_code_are_known_by_the_length_of_their_features() -> None:
    lengths = {name: KNOWN[name].features for name in ("conch", "conch-v1.5", "ctranspath", "musk")}
    assert lengths == {"conch": 512, "conch-v1.5": 768, "ctranspath": 768, "musk": 1024}


def test_a_preset_gives_a_module_of_other_code_its_facts() -> None:
    class Vectors(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.mean((2, 3)).repeat(1, 171)[:, :512]

    made = SlideEncoder.from_networks(Vectors(), preset="conch", device="cpu")
    assert made.config.patches.patch_size_px == 896
    assert made.config.network.detail.licence.gated
