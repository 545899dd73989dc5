"""Networks of every kind encode a slide, and give what their own library gives."""

import importlib.util
import multiprocessing
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from msfusion_sdk import SlideEmbedding, SlideEncoder
from msfusion_sdk.encoder.sources.naming import NetworkSpec
from msfusion_sdk.testing import make_slide

from ..networks_made import (
    TIMM,
    Case,
    Pooled,
    Tokens,
    as_people_do,
    facts,
    first_token,
    ir_file,
    lite0_case,
    onnx_file,
    seeded,
    timm_case,
)

pytestmark = pytest.mark.slow

KINDS = [*TIMM, "lite0", "torchvision", "module", "tokens", "transformers", "onnx", "ir"]
NEEDS = {
    **dict.fromkeys([*TIMM, "lite0"], "timm"),
    "transformers": "transformers",
    "onnx": "onnx",
    "ir": "openvino",
}


def made(kind: str, folder: Path) -> Case:
    if kind in NEEDS and importlib.util.find_spec(NEEDS[kind]) is None:
        pytest.skip(f"{NEEDS[kind]} is not installed")
    if kind in TIMM:
        return timm_case(kind, folder)
    if kind == "lite0":
        return lite0_case()
    if kind == "torchvision":
        from torchvision.models import resnet18

        module = seeded(resnet18())
        save_file(module.state_dict(), folder / "tv.safetensors")
        module.fc = torch.nn.Identity()
        given = {"weights": folder / "tv.safetensors", "facts": facts(kind, 64, 512)}
        return Case("torchvision:resnet18", given, as_people_do(module))
    if kind == "tokens":
        tokens = seeded(Tokens())
        known = facts(kind, 64, 20, multiple_px=8, readout="cls")
        return Case(tokens, {"facts": known}, as_people_do(first_token(tokens)))
    if kind == "transformers":
        from transformers import ViTConfig, ViTModel

        config = ViTConfig(
            hidden_size=24, num_hidden_layers=1, num_attention_heads=2, image_size=64
        )
        model = seeded(ViTModel(config, add_pooling_layer=False))
        known = facts(kind, 64, 24, readout="cls")
        return Case(model, {"facts": known}, as_people_do(first_token(model)))
    pooled = seeded(Pooled())
    known = {"facts": facts(kind, 64, 16)}  # type: ignore[assignment]
    if kind == "module":
        return Case(pooled, known, as_people_do(pooled))
    file = onnx_file if kind == "onnx" else ir_file
    suffix = ".onnx" if kind == "onnx" else ".xml"
    return Case(str(file(folder / f"pooled{suffix}", pooled)), known, as_people_do(pooled))


@pytest.fixture(scope="module", params=KINDS)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return made(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def coarse_slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 1000 x 700 pixels at 0.5 µm per pixel, all of it tissue."""
    path = tmp_path_factory.mktemp("slides") / "coarse.svs"
    return make_slide(path, 1000, 700, mpp=0.5, tissue="full", downsamples=(1,))


@pytest.fixture(scope="module")
def encoder(case: Case) -> SlideEncoder:
    return SlideEncoder.from_networks(
        case.source, device="cpu", precision="fp32", geometry={"stride_px": 320}, **case.given
    )


def naive(
    path: Path,
    result: SlideEmbedding,
    answer: Callable[[Image.Image], np.ndarray],
) -> np.ndarray:
    """Return the plain mean of patch vectors, image by image, from the pixels of OpenSlide."""
    import openslide

    size = result.provenance.config.patches.patch_size_px
    edge, vectors = size // 2, []
    with openslide.OpenSlide(path) as slide:
        for row in result.patches.to_pylist():
            region = slide.read_region((row["x"], row["y"]), 0, (size, size))
            glass = Image.new("RGBA", region.size, (255, 255, 255, 255))
            patch = np.asarray(Image.alpha_composite(glass, region))[..., :3]
            tiles = [patch[y : y + edge, x : x + edge] for y in (0, edge) for x in (0, edge)]
            detail = np.mean([answer(Image.fromarray(tile)) for tile in tiles], 0)
            vectors.append(np.concatenate([seen_from_afar(patch, answer), detail]))
    return np.mean(vectors, 0)


def seen_from_afar(patch: np.ndarray, answer: Callable[[Image.Image], np.ndarray]) -> np.ndarray:
    """Return the answer to the context image; its pixels are means, which PIL cannot hold."""
    half = patch.reshape(patch.shape[0] // 2, 2, patch.shape[1] // 2, 2, 3).mean((1, 3))
    return answer(torch.from_numpy((half / 255).astype(np.float32)).permute(2, 0, 1))


def test_the_vector_is_what_the_networks_own_library_gives(
    case: Case, encoder: SlideEncoder, coarse_slide: Path
) -> None:
    result = encoder.encode(coarse_slide)
    wanted = naive(coarse_slide, result, case.answer)
    assert result.patches.num_rows >= 6
    assert wanted.std() > 0.01
    assert np.abs(result.vector - wanted).max() <= 1e-5 * np.abs(wanted).max()


@pytest.mark.slow
def test_a_real_slide_has_the_vector_that_the_networks_own_library_gives(
    case: Case, encoder: SlideEncoder, real_slide: Path
) -> None:
    # The slide is at 0.499 µm per pixel, so that patches are read as they are.
    sparse = encoder.with_config(encoder.config.updated(patches={"stride_px": 640}))
    result = sparse.encode(real_slide)
    wanted = naive(real_slide, result, case.answer)
    assert result.patches.num_rows >= 4
    assert np.abs(result.vector - wanted).max() <= 1e-5 * np.abs(wanted).max()


@pytest.mark.parametrize("batch_size", [1, 8, 64])
def test_the_vector_does_not_depend_on_the_batch(
    encoder: SlideEncoder, coarse_slide: Path, batch_size: int
) -> None:
    wanted = encoder.encode(coarse_slide, threads=0).vector
    found = encoder.encode(coarse_slide, batch_size=batch_size).vector
    assert np.abs(found - wanted).max() <= 1e-5 * np.abs(wanted).max()


def test_a_saved_model_comes_back_with_its_fingerprint_and_vector(
    case: Case, encoder: SlideEncoder, coarse_slide: Path, tmp_path: Path
) -> None:
    encoder.save_pretrained(tmp_path / "model")
    is_module = isinstance(case.source, torch.nn.Module)
    given = {"networks": {"detail": case.source}} if is_module else {}
    again = SlideEncoder.from_pretrained(
        tmp_path / "model", device="cpu", precision="fp32", **given
    )
    assert again.fingerprint == encoder.fingerprint
    assert np.array_equal(again.encode(coarse_slide).vector, encoder.encode(coarse_slide).vector)


@pytest.mark.parametrize("kind", ["vit", "module"])
def test_a_worker_gives_the_same_vector_and_is_sent_no_large_weights(
    kind: str, coarse_slide: Path, tmp_path: Path
) -> None:
    case = made(kind, tmp_path)
    encoder = SlideEncoder.from_networks(
        case.source, device="cpu", precision="fp32", geometry={"stride_px": 640}, **case.given
    )
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply_async(encoder.encode, (coarse_slide,)).get(timeout=100)
    assert np.array_equal(found.vector, encoder.encode(coarse_slide).vector)


def test_two_different_networks_make_a_vector_of_both_lengths(
    coarse_slide: Path, tmp_path: Path
) -> None:
    pooled, tokens = seeded(Pooled()), seeded(Tokens())
    context = NetworkSpec(tokens, facts=facts("tokens", 64, 20, multiple_px=8, readout="cls"))
    encoder = SlideEncoder.from_networks(
        pooled, context, facts=facts("pooled", 64, 16), device="cpu", precision="fp32"
    )
    result = encoder.encode(coarse_slide)
    assert result.vector.shape == (36,)
    networks = {"detail": pooled, "context": tokens}
    folder = encoder.save_pretrained(tmp_path / "two")
    again = SlideEncoder.from_pretrained(folder, networks=networks, precision="fp32", device="cpu")
    assert np.array_equal(again.encode(coarse_slide).vector, result.vector)


def test_tiles_alone_have_the_length_of_one_network(coarse_slide: Path) -> None:
    encoder = SlideEncoder.from_networks(
        seeded(Pooled()), None, facts=facts("pooled", 64, 16), device="cpu"
    )
    assert encoder.config.patches.patch_size_px == 64
    assert encoder.encode(coarse_slide).vector.shape == (16,)
