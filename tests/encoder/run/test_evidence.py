"""Scores by evidence against the background class, written down a second time in NumPy."""

import numpy as np
import pytest
import torch

from msfusion_sdk.config import AttentionFusionConfig, EncoderConfig, NetworkConfig
from msfusion_sdk.encoder.backends.choosing import make_backend
from msfusion_sdk.encoder.backends.devices import Runtime
from msfusion_sdk.encoder.networks.model import LEAST_EVIDENCE, TwoScaleModel, split_scales

pytestmark = pytest.mark.slow

NETWORK = NetworkConfig(background="lung_n")  # the second of three classes
CONFIG = EncoderConfig(network=NETWORK, fusion=AttentionFusionConfig(score="evidence"))


@pytest.fixture(scope="module")
def model() -> TwoScaleModel:
    torch.manual_seed(0)
    model = TwoScaleModel(CONFIG).eval()
    with torch.no_grad():
        model.detail.head[2].weight.mul_(40)  # so that tiles differ
    return model


@pytest.fixture(scope="module")
def patches() -> torch.Tensor:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (3, 3, 8, 8)).astype(np.uint8)
    return torch.from_numpy(coarse.repeat(16, 2).repeat(16, 3))


@torch.no_grad()
def slowly(model: TwoScaleModel, patches: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return tile scores (patch, 4) and fused vectors (patch, 1024)."""
    context_images, tiles = split_scales(patches)
    scores, vectors = [], []
    for context_image, four in zip(context_images, tiles, strict=True):
        context = model.context.features(context_image[None]).vectors[0].double().numpy()
        detail = model.detail.features(four).vectors
        hidden = detail.double().numpy() @ model.detail.head[0].weight.double().numpy().T
        hidden = np.maximum(hidden + model.detail.head[0].bias.double().numpy(), 0)
        logits = hidden @ model.detail.head[2].weight.double().numpy().T
        logits += model.detail.head[2].bias.double().numpy()
        shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        evidence = shares[:, 0] + shares[:, 2]
        weighted = (evidence[:, None] * detail.double().numpy()).sum(0) / evidence.sum()
        scores.append(evidence)
        vectors.append(np.concatenate([context, weighted]))
    return np.stack(scores), np.stack(vectors)


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_a_tile_scores_by_what_the_classifier_has_against_background(
    model: TwoScaleModel, patches: torch.Tensor, backend: str
) -> None:
    if backend == "openvino":
        pytest.importorskip("openvino")
    scores, vectors = slowly(model, patches)
    assert scores.std() > 0.005
    with torch.inference_mode():
        found = make_backend(model, Runtime("cpu", "fp32", backend)).features(patches)
    assert found.tile_scores.numpy() == pytest.approx(scores, abs=1e-5)
    assert found.context_scores.numpy() == pytest.approx(scores.mean(1), abs=1e-5)
    assert found.vectors.numpy() == pytest.approx(vectors, abs=1e-4)


def test_a_slide_of_nothing_but_background_still_has_weights() -> None:
    certain = torch.nn.Linear(512, 3)
    with torch.no_grad():
        certain.weight.zero_()
        certain.bias.copy_(torch.tensor([-200.0, 200.0, -200.0]))
    twin = TwoScaleModel(CONFIG).eval()
    twin.detail.head = torch.nn.Sequential(certain)
    zeros = torch.zeros(2, 512), torch.zeros(2, 4, 512), torch.zeros(2), torch.zeros(2, 4)
    with torch.inference_mode():
        found = twin.fuse(*zeros)
    assert found.tile_scores.numpy() == pytest.approx(LEAST_EVIDENCE)
    assert found.vectors.isfinite().all()


def test_the_literal_method_is_a_preset() -> None:
    literal = CONFIG.with_preset("literal")
    assert literal.fusion.score == "attention"
    assert literal.digest() != CONFIG.digest()


def test_settings_from_before_scores_had_names_keep_their_fingerprint() -> None:
    # Computed by the version before: the default settings of 0.1.
    plain = EncoderConfig()
    assert plain.digest() == "02c29b73deb785fde2e2b686b3d47cee99830a18ed00ca61beabc9d3883e9589"


def test_evidence_needs_a_background_class() -> None:
    with pytest.raises(ValueError, match=r"need network\.background"):
        EncoderConfig(fusion=AttentionFusionConfig(score="evidence"))
    with pytest.raises(ValueError, match="none of the classes"):
        NetworkConfig(background="elsewhere")
