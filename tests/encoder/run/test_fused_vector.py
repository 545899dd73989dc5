"""The slide vector against the method written down a second time, slowly.

Patch by patch and tile by tile, with torchvision's ResNet-18, attention and sums in NumPy,
OpenSlide and Pillow for pixels: no batches, no running sums, and none of the encoder's code.
"""

from pathlib import Path

import cv2
import numpy as np
import openslide
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from torchvision.models import resnet18

from msfusion_sdk import SlideEncoder
from msfusion_sdk.testing import make_slide

pytestmark = pytest.mark.slow

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
Array = NDArray[np.float64]


class SlowNetwork:
    """One feature network, for one image at a time."""

    def __init__(self, tensors: dict[str, torch.Tensor], which: str) -> None:
        own = {k.removeprefix(f"{which}.features."): v.float() for k, v in tensors.items()}
        self.net = resnet18(weights=None).eval()
        names = {"stem.0": "conv1", "stem.1": "bn1"} | {
            f"stages.{i}": f"layer{i}" for i in range(5)
        }
        for ours, theirs in names.items():
            part = {k.removeprefix(f"{ours}."): v for k, v in own.items() if k.startswith(ours)}
            if part:
                getattr(self.net, theirs).load_state_dict(part)
        self.first = own["first_attention.conv.weight"].double().numpy()[0]
        self.last = own["last_attention.conv.weight"].double().numpy()[0]

    @torch.no_grad()
    def __call__(self, image: Array) -> tuple[Array, float]:
        net = self.net
        pixels = torch.from_numpy((image / 255 - MEAN) / STD).float().permute(2, 0, 1)[None]
        early, _ = attend(net.relu(net.bn1(net.conv1(pixels)))[0].numpy(), self.first)
        x = net.maxpool(torch.from_numpy(early)[None].float())
        x = net.layer4(net.layer3(net.layer2(net.layer1(x))))
        late, score = attend(x[0].numpy(), self.last)
        return late.mean((1, 2)), score


def attend(features: NDArray[np.float32], kernel: Array) -> tuple[Array, float]:
    """Return attended features, shape (channel, height, width), and the mean of the map."""
    features = features.astype(np.float64)
    summary = np.stack([features.mean(0), features.max(0)])
    padded = np.pad(summary, ((0, 0), (3, 3), (3, 3)))
    height, width = features.shape[1:]
    logits = np.zeros((height, width))
    for channel in range(2):
        for dy in range(7):
            for dx in range(7):
                moved = padded[channel, dy : dy + height, dx : dx + width]
                logits += kernel[channel, dy, dx] * moved
    weights = 1 / (1 + np.exp(-logits))
    return features * weights, float(weights.mean())


def read_slowly(slide: openslide.OpenSlide, x: int, y: int, size: int, mpp: float) -> Array:
    """Return one patch of ``size`` px at 0.25 µm per px, read from level 0."""
    edge = round(size * 0.25 / mpp)
    glass = Image.new("RGBA", (edge, edge), (255, 255, 255, 255))
    pixels = np.asarray(Image.alpha_composite(glass, slide.read_region((x, y), 0, (edge, edge))))
    method = cv2.INTER_CUBIC if edge < size else cv2.INTER_AREA
    return cv2.resize(pixels[..., :3], (size, size), interpolation=method).astype(np.float64)


def slow_vector(path: Path, folder: Path, where: list[tuple[int, int]], size: int) -> Array:
    tensors = load_file(folder / "model.safetensors")
    context_network, detail_network = (SlowNetwork(tensors, w) for w in ("context", "detail"))
    slide = openslide.OpenSlide(path)
    mpp, half = float(slide.properties["openslide.mpp-x"]), size // 2
    total, total_weight = np.zeros(1024), 0.0
    for x, y in where:
        patch = read_slowly(slide, x, y, size, mpp)
        small = (patch[::2, ::2] + patch[::2, 1::2] + patch[1::2, ::2] + patch[1::2, 1::2]) / 4
        context, v = context_network(small)
        fused, w_sum = np.zeros(1024), 0.0
        for top in (0, half):
            for left in (0, half):
                tile, w = detail_network(patch[top : top + half, left : left + half])
                fused += w * np.concatenate([context, tile])
                w_sum += w
        total += v * fused / w_sum
        total_weight += v
    return total / total_weight


def assert_same(encoder: SlideEncoder, path: Path, folder: Path, at_least: int) -> None:
    result = encoder.encode(path)
    where = [(row["x"], row["y"]) for row in result.patches.to_pylist()]
    expected = slow_vector(path, folder, where, encoder.config.patches.patch_size_px)
    assert len(where) >= at_least
    assert np.abs(result.vector - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("mpp", [0.25, 0.125, 0.4])
def test_a_made_slide_gives_the_vector_of_the_slow_method(
    small_encoder: SlideEncoder, model_folder: Path, tmp_path: Path, mpp: float
) -> None:
    edge = round(700 * 0.25 / mpp)
    path = make_slide(tmp_path / "s.svs", edge, edge, mpp=mpp, tissue="full", downsamples=(1, 4))
    assert_same(small_encoder, path, model_folder, at_least=9)


def test_a_real_slide_gives_the_vector_of_the_slow_method_at_full_patch_size(
    random_encoder: SlideEncoder, model_folder: Path, real_slide: Path
) -> None:
    # This stride keeps two patches, which is enough to be fused.
    config = random_encoder.config.updated(patches={"stride_px": 1300})
    assert_same(random_encoder.with_config(config), real_slide, model_folder, at_least=2)
