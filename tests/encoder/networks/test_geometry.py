"""How a patch is cut: tiles per edge, the context image, one scale."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from msfusion_sdk import EncoderConfig, SlideEmbedding, SlideEncoder
from msfusion_sdk.config import PatchConfig
from msfusion_sdk.encoder.backends.devices import Runtime
from msfusion_sdk.encoder.networks.scales import split_scales
from msfusion_sdk.encoder.result.patch_weights import relative_weights, tile_weights
from msfusion_sdk.figures.slides.overlay import draw_overlay, read_thumbnail
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.tissue.patch_reading import read_patch
from msfusion_sdk.slides.tissue.survey import survey_slide

pytestmark = pytest.mark.slow

WIDE = {"patch_size_px": 256, "stride_px": 256, "tiles": 4, "context_px": 64, "low_recall": 0.0}
ALONE = {"patch_size_px": 64, "stride_px": 256, "tiles": 1, "single_scale": True, "low_recall": 0.0}


def geometry(encoder: SlideEncoder, patches: dict[str, object]) -> SlideEncoder:
    return encoder.with_config(encoder.config.updated(patches=patches))


def means(patch: NDArray[np.uint8], edge: int) -> NDArray[np.float64]:
    """Return the mean of each square of pixels, one by one."""
    n = len(patch) // edge
    return np.array(
        [
            [patch[r * n : (r + 1) * n, c * n : (c + 1) * n].mean((0, 1)) for c in range(edge)]
            for r in range(edge)
        ]
    )


@pytest.mark.parametrize(("tiles", "context_px"), [(2, None), (4, 12), (4, None), (1, 6), (3, 48)])
def test_tiles_are_cut_row_by_row_and_the_context_image_is_the_exact_mean(
    tiles: int, context_px: int | None
) -> None:
    patch = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    fields = {"patch_size_px": 48, "tiles": tiles, "context_px": context_px}
    config = PatchConfig.model_construct(**fields, single_scale=False)
    context, found = split_scales(torch.from_numpy(patch).permute(2, 0, 1)[None], config)
    assert np.allclose(context[0].permute(1, 2, 0), means(patch, config.context_size_px), atol=1e-4)
    edge = 48 // tiles
    for place in range(tiles**2):
        row, column = divmod(place, tiles)
        wanted = patch[row * edge : (row + 1) * edge, column * edge : (column + 1) * edge]
        assert np.array_equal(found[0, place].permute(1, 2, 0), wanted)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tiles": 5}, "tiles=5 does not divide patch_size_px=1152"),
        ({"context_px": 500}, "context_px=500 does not divide"),
        ({"tiles": 1}, "give context_px, or single_scale=True"),
    ],
)
def test_a_patch_that_cannot_be_cut_is_refused(fields: dict[str, int], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        PatchConfig(**fields)


def test_the_settings_of_the_method_are_written_as_they_were() -> None:
    assert not {"tiles", "context_px", "single_scale"} & set(PatchConfig().model_dump())


@pytest.mark.parametrize("patches", [WIDE, ALONE, {**ALONE, "tiles": 2}])
def test_every_geometry_has_its_own_fingerprint(
    small_encoder: SlideEncoder, patches: dict[str, object]
) -> None:
    assert geometry(small_encoder, patches).fingerprint != small_encoder.fingerprint


def slow_vector(encoder: SlideEncoder, path: Path) -> NDArray[np.float64]:
    """Return the vector by the formula: no batches, one image at a time."""
    model, config, total, weights = encoder.model, encoder.config.patches, 0.0, 0.0
    with open_slide(path) as slide, torch.inference_mode():
        survey = survey_slide(slide, encoder.config)
        for place in survey.grid.locations:
            pixels = read_patch(slide, tuple(map(int, place)), survey.plan).pixels
            edge = config.tile_size_px
            tiles = [
                model.detail.features(as_images(pixels[y : y + edge, x : x + edge]))
                for y in range(0, config.patch_size_px, edge)
                for x in range(0, config.patch_size_px, edge)
            ]
            scores = np.array([float(tile.scores) for tile in tiles])
            detail = sum(s * t.vectors[0].numpy() for s, t in zip(scores, tiles, strict=True))
            vector, weight = detail / scores.sum(), scores.mean()
            if not config.single_scale:
                seen = model.context.features(as_images(means(pixels, config.context_size_px)))
                vector = np.concatenate([seen.vectors[0].numpy(), vector])
                weight = float(seen.scores)
            total, weights = total + weight * vector, weights + weight
    return total / weights  # type: ignore[return-value]


def as_images(pixels: NDArray[np.float64]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels)).float().permute(2, 0, 1)[None]


@pytest.mark.parametrize("patches", [WIDE, ALONE], ids=["wide", "alone"])
@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_the_vector_is_the_formulas(
    small_encoder: SlideEncoder, tiny_slide: Path, patches: dict[str, object], backend: str
) -> None:
    if backend == "openvino":
        pytest.importorskip("openvino")
    encoder = geometry(small_encoder, patches)
    runtime = Runtime("cpu", "fp32", backend)
    computing = SlideEncoder(encoder.model, encoder.config, runtime, weights_sha256="0" * 64)
    wanted = slow_vector(encoder, tiny_slide)
    assert len(wanted) == encoder.config.vector_length == (512 if patches is ALONE else 1024)
    found = computing.encode(tiny_slide).vector
    assert np.abs(found - wanted).max() <= 1e-5 * np.abs(wanted).max()


@pytest.fixture(scope="module", params=[WIDE, ALONE], ids=["wide", "alone"])
def result(
    request: pytest.FixtureRequest, small_encoder: SlideEncoder, tiny_slide: Path
) -> SlideEmbedding:
    return geometry(small_encoder, request.param).encode(tiny_slide)


def test_a_result_comes_back_from_its_file(result: SlideEmbedding, tmp_path: Path) -> None:
    again = SlideEmbedding.from_parquet(result.to_parquet(tmp_path / "one.parquet"))
    assert again.patches.equals(result.patches)
    assert np.array_equal(again.vector, result.vector)
    bare = SlideEmbedding.from_parquet(result.to_parquet(tmp_path / "bare.parquet", patches=False))
    assert bare.patches.schema == result.patches.schema


def test_a_slide_without_tissue_has_the_columns_of_the_others(
    small_encoder: SlideEncoder, blank_slide: Path, tmp_path: Path
) -> None:
    empty = geometry(small_encoder, ALONE).encode(blank_slide)
    again = SlideEmbedding.from_parquet(empty.to_parquet(tmp_path / "empty.parquet"))
    assert again.vector is None
    assert again.patches.schema.field("vector").type.list_size == 512
    assert again.patches.schema.field("tile_scores").type.list_size == 1


def test_the_weights_of_all_tiles_sum_to_one(result: SlideEmbedding) -> None:
    weights, (relative, _) = tile_weights(result), relative_weights(result)
    assert weights.shape[1] == result.provenance.config.patches.tiles_per_patch
    assert weights.sum() == pytest.approx(1)
    assert relative.mean() == pytest.approx(1)


def test_the_overlay_draws_each_tile(result: SlideEmbedding, tiny_slide: Path) -> None:
    figure = draw_overlay(read_thumbnail(tiny_slide, result), result)
    heat = next(c for c in figure.axes[1].collections if c.get_array() is not None)
    drawn = [path.get_extents().bounds for path in heat.get_paths()]
    assert len(drawn) == tile_weights(result).size
    size = result.patches.column("size_px")[0].as_py()
    assert drawn[0][2] == pytest.approx(size / result.provenance.config.patches.tiles)


def test_the_default_settings_make_vectors_of_1024() -> None:
    assert EncoderConfig().vector_length == 1024
