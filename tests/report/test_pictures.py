"""Contact sheet, scale bar, missing-data chart and attention by tile: what they show."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk.encoder.result.patch_weights import tile_weights
from msfusion_sdk.encoder.slide_encoder import SlideEncoder
from msfusion_sdk.figures.completeness import draw_completeness
from msfusion_sdk.figures.slides.contact_sheet import draw_contact_sheet, strongest_and_weakest
from msfusion_sdk.figures.slides.overlay import write_overlay
from msfusion_sdk.figures.slides.scale_bar import bar_length_um
from msfusion_sdk.testing import make_slide

pytestmark = [pytest.mark.usefixtures("coarse"), pytest.mark.slow]


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "case.svs"
    return make_slide(path, 3000, 2400, coverage=0.6)


@pytest.mark.parametrize(("width_um", "length"), [(288, 50), (1200, 200), (30_000, 10_000), (2, 1)])
def test_the_scale_bar_is_a_round_length_of_a_third_at_most(width_um: float, length: int) -> None:
    assert bar_length_um(width_um) == length


def test_no_patch_is_among_the_strongest_and_the_weakest() -> None:
    strong, weak = strongest_and_weakest([0.5, 0.2, 0.3])
    assert (strong, weak) == ([0, 2], [1])
    strong, weak = strongest_and_weakest(list(np.arange(100) / 4950))
    assert (strong, weak) == ([99, 98, 97, 96, 95], [0, 1, 2, 3, 4])


def test_the_sheet_shows_the_heaviest_patch_first_with_its_scores(
    small_encoder: SlideEncoder, slide: Path
) -> None:
    result = small_encoder.encode(slide)
    axes = draw_contact_sheet(slide, result).axes
    table = result.patches.drop_columns("vector").to_pandas()
    best = table.loc[table["weight"].idxmax()]
    text = axes[0].get_xlabel()
    assert f"context score {best['context_score']:.3f}" in text
    assert f"at {best['x']:,}, {best['y']:,}" in text
    assert f"{best['weight'] * len(table):.2f} × mean weight" in text
    assert axes[0].images[0].get_array().std() > 5, "tissue, not glass"


def test_tile_weights_are_shares_of_the_slide_vector(
    small_encoder: SlideEncoder, slide: Path
) -> None:
    result = small_encoder.encode(slide)
    weights = tile_weights(result)
    first = result.patches.slice(0, 1).to_pylist()[0]
    share = first["tile_scores"][2] / sum(first["tile_scores"])
    assert weights[0, 2] == pytest.approx(first["weight"] * share, rel=1e-5)
    assert weights.sum() == pytest.approx(1, abs=1e-5)


def test_tiles_of_a_softmax_model_weigh_by_the_exponential_of_their_scores(
    small_encoder: SlideEncoder, slide: Path
) -> None:
    softmax = small_encoder.config.updated(fusion={"tile_weights": "softmax"})
    result = small_encoder.with_config(softmax).encode(slide)
    first = result.patches.slice(0, 1).to_pylist()[0]
    share = math.exp(first["tile_scores"][2]) / sum(map(math.exp, first["tile_scores"]))
    assert tile_weights(result)[0, 2] == pytest.approx(first["weight"] * share, rel=1e-5)


def test_tiles_of_a_model_that_weighs_alike_weigh_alike(
    small_encoder: SlideEncoder, slide: Path
) -> None:
    uniform = small_encoder.config.updated(fusion={"tile_weights": "uniform"})
    weights = tile_weights(small_encoder.with_config(uniform).encode(slide))
    assert np.allclose(weights, weights[:, :1])


def test_a_slide_of_a_hundred_patches_makes_a_small_png(
    small_encoder: SlideEncoder, slide: Path, tmp_path: Path
) -> None:
    dense = small_encoder.with_config(small_encoder.config.updated(patches={"stride_px": 128}))
    result = dense.encode(slide)
    assert result.patches.num_rows > 100
    assert write_overlay(slide, result, tmp_path / "x.png").stat().st_size < 500_000


def test_the_missing_data_chart_counts_patients() -> None:
    patterns = pd.DataFrame(
        {"slide": [True, True, False], "rna": [True, False, True], "patients": [70, 20, 10]}
    )
    matrix, bars = draw_completeness(patterns).axes
    assert [label.get_text() for label in matrix.get_xticklabels()] == ["slide", "rna"]
    assert [bar.get_width() for bar in bars.patches] == [70, 20, 10]  # type: ignore[attr-defined]
    assert bars.texts[0].get_text().strip() == "70 (70 %)"


def test_many_combinations_become_twelve_rows() -> None:
    bits = [[bool(number >> place & 1) for place in range(5)] for number in range(32)]
    patterns = pd.DataFrame(bits, columns=list("abcde")).assign(patients=range(32, 0, -1))
    bars = draw_completeness(patterns).axes[1]
    assert len(bars.patches) == 12
    assert bars.patches[-1].get_width() == sum(range(1, 22))  # type: ignore[attr-defined]
    assert "all other combinations" in bars.texts[-1].get_text()
