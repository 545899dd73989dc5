import numpy as np
import pytest
import torch

from msfusion_sdk import EncoderConfig
from msfusion_sdk.encoder.networks.accumulator import PatchAccumulator
from msfusion_sdk.encoder.networks.model import PatchFeatures

PATCHES = 23


@pytest.fixture
def features() -> PatchFeatures:
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(PATCHES, generator=generator)
    tiles = torch.rand(PATCHES, 4, generator=generator)
    return PatchFeatures(torch.randn(PATCHES, 1024, generator=generator), scores, tiles)


def accumulate(features: PatchFeatures, batch: int, rule: str = "normalised") -> PatchAccumulator:
    found = PatchAccumulator(EncoderConfig().updated(fusion={"patch_weights": rule}), 1152)
    for start in range(0, PATCHES, batch):
        part = slice(start, start + batch)
        locations = [(10 * i, i) for i in range(PATCHES)[part]]
        found.add(locations, PatchFeatures(*(tensor[part] for tensor in features)))
    return found


@pytest.mark.parametrize("batch", [1, 5, PATCHES])
def test_batches_do_not_change_the_sum(features: PatchFeatures, batch: int) -> None:
    weights = features.context_scores.double().numpy()
    expected = np.average(features.vectors.double().numpy(), axis=0, weights=weights)
    assert np.allclose(accumulate(features, batch).vector(), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("rule", ["normalised", "softmax", "uniform"])
def test_shares_sum_to_one(features: PatchFeatures, rule: str) -> None:
    table = accumulate(features, 4, rule).table()
    assert np.sum(table["weight"].to_numpy(), dtype=np.float64) == pytest.approx(1, abs=1e-6)


def test_the_table_keeps_the_order_and_the_numbers_of_the_patches(features: PatchFeatures) -> None:
    rows = accumulate(features, 5).table().to_pylist()
    assert [(row["x"], row["y"]) for row in rows] == [(10 * i, i) for i in range(PATCHES)]
    assert [row["tile_scores"] for row in rows] == features.tile_scores.tolist()
    assert [row["vector"] for row in rows] == features.vectors.tolist()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("part", [0, 1, 2])
def test_numbers_that_are_none_are_refused_with_their_place(
    features: PatchFeatures, part: int, value: float
) -> None:
    features[part][7] = value
    with pytest.raises(FloatingPointError, match=r"at location \(70, 7\)"):
        accumulate(features, PATCHES)
