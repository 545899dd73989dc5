"""Attention follows the finding where training knows the class without it."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from msfusion_sdk.config import NetworkConfig
from msfusion_sdk.encoder.backends.devices import Runtime
from msfusion_sdk.encoder.networks.attention import SpatialAttention, attention_logits
from msfusion_sdk.encoder.networks.network import AttendedResNet
from msfusion_sdk.pretraining.index import read_tile_index
from msfusion_sdk.pretraining.mixing import attention_loss, outline
from msfusion_sdk.pretraining.train_config import TrainConfig
from msfusion_sdk.pretraining.training import train_network


def test_the_score_becomes_the_share_of_the_finding() -> None:
    """On maps that tell it: one channel of eight is high where the finding is."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    shares = rng.uniform(0, 1, 60)
    finding = torch.from_numpy(np.stack([outline(48, share, rng) for share in shares])).float()
    maps = torch.rand(60, 8, 12, 12)
    maps[:, 0] += 3 * torch.nn.functional.avg_pool2d(finding[:, None], 4)[:, 0]
    attention = SpatialAttention(3)
    optimiser = torch.optim.Adam(attention.parameters(), lr=0.1)
    for _ in range(150):
        optimiser.zero_grad()
        attention_loss(attention_logits(maps[:40], attention.conv.weight), finding[:40]).backward()
        optimiser.step()
    scores = attention(maps[40:])[1].mean((1, 2, 3)).detach().numpy()
    covered = finding[40:].mean((1, 2)).numpy()
    assert np.corrcoef(scores, covered)[0, 1] > 0.95


@pytest.mark.slow
@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize(
    ("background", "weight", "learns"),
    [("dots", 1.0, True), ("dots", 0.0, False), (None, 1.0, False)],
)
def test_attention_is_taught_where_a_class_without_the_finding_is_named(
    tile_folder: Path,
    quick_config: TrainConfig,
    tmp_path: Path,
    background: str | None,
    weight: float,
    learns: bool,
) -> None:
    index = read_tile_index(tile_folder)
    network = NetworkConfig(classes=index.classes, background=background)
    config = quick_config.model_copy(update={"attention_weight": weight})
    runtime = Runtime("cpu", "fp32")
    _, state = train_network(
        "context", index, config, network, tmp_path, runtime=runtime, workers=0
    )
    losses = [row.get("attention_loss") for row in state.history]
    # A random map of about one half everywhere costs ln 2, whatever is asked of it.
    wanted = [pytest.approx(np.log(2), abs=0.2)] * 2 if learns else [None, None]
    assert losses == wanted


def test_logits_are_those_of_the_forward_pass() -> None:
    torch.manual_seed(0)
    network = AttendedResNet(NetworkConfig(classes=("a", "b"))).eval()
    images = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        vectors, logits = network.with_logits(images)
        whole = network(images)
    assert torch.equal(vectors, whole.vectors)
    assert torch.allclose(logits.sigmoid().mean((1, 2, 3)), whole.scores, atol=1e-6)


@pytest.mark.slow
@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("background", ["dots", None])
def test_a_run_of_before_goes_on_only_where_nothing_changed(
    tile_folder: Path, quick_config: TrainConfig, tmp_path: Path, background: str | None
) -> None:
    """The digest of settings as version 0.1.0 took it."""
    index = read_tile_index(tile_folder)
    network = NetworkConfig(classes=index.classes, background=background)
    runtime = Runtime("cpu", "fp32")
    _, state = train_network(
        "context", index, quick_config, network, tmp_path, runtime=runtime, workers=0
    )
    settings = json.loads(quick_config.model_dump_json())
    assert "attention_weight" not in settings
    rows = index.table[["class", "file", "group", "part"]].to_csv(index=False)
    parts = ["context", None, quick_config.model_dump_json(), network.model_dump_json(), rows]
    before = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    assert (state.settings == before) == (background is None)
