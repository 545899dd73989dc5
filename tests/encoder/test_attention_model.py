"""``lung-tiles-v3`` on tissue of groups that it never saw: its attention follows the tumour."""

from pathlib import Path

import numpy as np
import pytest
import torch

from msfusion_sdk import SlideEncoder
from msfusion_sdk.pretraining.index import read_tile_index
from msfusion_sdk.pretraining.views import plain_view, read_tile

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def encoder() -> SlideEncoder:
    return SlideEncoder.from_pretrained("lung-tiles-v3", device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def tiles(shared: Path) -> dict[str, list[np.ndarray]]:
    """Two tiles of each class, of as many test groups."""
    index = read_tile_index(shared / "data" / "tiles" / "lc25000", seed=0)
    table = index.table[index.table["part"] == "test"].groupby("group").first()
    chosen = table.groupby("class").head(2)
    made: dict[str, list[np.ndarray]] = {name: [] for name in index.classes}
    for kind, name in zip(chosen["class"], chosen["file"], strict=True):
        made[kind].append(read_tile(index.root / kind / name))
    return made


@torch.inference_mode()
def test_both_networks_score_tumour_high_and_normal_tissue_low(
    encoder: SlideEncoder, tiles: dict[str, list[np.ndarray]]
) -> None:
    for kind, images in tiles.items():
        for image in images:
            context, detail = (
                torch.from_numpy(plain_view(image, scale, 0.3, 0.25, 576).transpose(2, 0, 1).copy())
                for scale in ("context", "detail")
            )
            scores = [
                float(network.features(pixels[None]).scores)
                for network, pixels in (
                    (encoder.model.context, context),
                    (encoder.model.detail, detail),
                )
            ]
            assert max(scores) < 0.2 if kind == "lung_n" else min(scores) > 0.8, (kind, scores)


@torch.inference_mode()
def test_a_patch_with_a_quarter_of_tumour_outweighs_a_normal_one(
    encoder: SlideEncoder, tiles: dict[str, list[np.ndarray]]
) -> None:
    """And within it the tile of tumour has nearly all the weight: fusion as it is written."""
    normal, tumour = (
        plain_view(tiles[kind][0], "detail", 0.3, 0.25, 576) for kind in ("lung_n", "lung_aca")
    )
    row = np.hstack([normal, normal])
    patches = np.stack([np.vstack([row, row]), np.vstack([np.hstack([tumour, normal]), row])])
    answer = encoder.model(torch.from_numpy(patches.transpose(0, 3, 1, 2).copy()))
    assert answer.context_scores[1] > 5 * answer.context_scores[0]
    shares = answer.tile_scores[1] / answer.tile_scores[1].sum()
    assert shares[0] > 0.8
