from pathlib import Path

import numpy as np
import pytest

from msfusion_sdk import SlideEmbedding, SlideEncoder
from msfusion_sdk.config import EncoderConfig, QualityConfig
from msfusion_sdk.slides.quality.patch_quality import (
    PatchQuality,
    SlideQuality,
    quality_factor,
    quality_problem,
)
from msfusion_sdk.slides.tissue.mask import TissueMask
from msfusion_sdk.slides.tissue.overview import Overview

pytestmark = pytest.mark.slow

COLUMNS = ["focus", "fold", "bubble", "pen", "dust"]


def encoded(encoder: SlideEncoder, slide: Path, **qc: object) -> SlideEmbedding:
    return encoder.with_config(encoder.config.updated(qc=qc)).encode(slide, threads=0)


@pytest.fixture(scope="module")
def plain(small_encoder: SlideEncoder, made_slide: Path) -> SlideEmbedding:
    return small_encoder.encode(made_slide, threads=0)


def test_recorded_quality_adds_columns_and_leaves_the_vector(
    small_encoder: SlideEncoder, made_slide: Path, plain: SlideEmbedding, tmp_path: Path
) -> None:
    result = encoded(small_encoder, made_slide, use="record")
    path = result.to_parquet(tmp_path / "slide.parquet")
    assert SlideEmbedding.from_parquet(path).patches.equals(result.patches)
    assert result.patches.column_names == [*plain.patches.column_names, *COLUMNS]
    assert np.array_equal(np.asarray(result), np.asarray(plain))


def test_weights_of_bad_patches_are_smaller(
    small_encoder: SlideEncoder, made_slide: Path, plain: SlideEmbedding
) -> None:
    qc = {"use": "weights", "min_focus": 3.0, "by": ("focus",)}
    result = encoded(small_encoder, made_slide, **qc)
    focus = result.patches["focus"].to_numpy()
    factor = np.where(focus < 3, np.maximum(focus / 3, 0.01), 1)
    expected = plain.patches["weight"].to_numpy() * factor
    assert np.allclose(result.patches["weight"].to_numpy(), expected / expected.sum(), atol=1e-6)


def test_bad_patches_are_left_out_and_named(
    small_encoder: SlideEncoder, made_slide: Path, plain: SlideEmbedding
) -> None:
    focus = encoded(small_encoder, made_slide).patches["focus"].to_numpy()
    limit = float(np.nanmedian(focus))
    result = encoded(small_encoder, made_slide, use="exclude", min_focus=limit)
    bad = int((focus < limit).sum())
    assert result.patches.num_rows == plain.patches.num_rows - bad
    assert len(result.provenance.excluded) == bad
    assert f"{bad} of {plain.patches.num_rows} patches were left out" in result.reason


def test_a_slide_of_bad_patches_is_empty_and_says_why(
    small_encoder: SlideEncoder, made_slide: Path
) -> None:
    result = encoded(small_encoder, made_slide, use="exclude", min_focus=1000.0)
    assert result.status == "empty"
    assert "no patch is good enough" in result.reason


def test_the_fingerprint_changes_only_when_quality_is_used() -> None:
    config = EncoderConfig()
    assert "qc" not in config.model_dump()
    assert config.updated(qc={}).digest() != config.digest()


GOOD = PatchQuality(3.0, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("quality", "problem", "factor"),
    [
        (GOOD, "", 1.0),
        (GOOD._replace(focus=float("nan")), "", 1.0),
        (GOOD._replace(focus=0.95), "out of focus: 0.95", 0.5),
        (GOOD._replace(pen=0.75), "pen: 75 %", 0.25),
        (GOOD._replace(bubble=0.25), "", 0.75),
        (GOOD._replace(fold=1.0), "", 1.0),
        (GOOD._replace(focus=0.0, dust=1.0), "out of focus: 0.00", 0.01),
    ],
)
def test_a_bad_patch_has_a_reason_and_a_factor(
    quality: PatchQuality, problem: str, factor: float
) -> None:
    assert quality_problem(quality, QualityConfig()) == problem
    assert quality_factor(quality, QualityConfig()) == pytest.approx(factor)


def test_a_patch_has_its_own_part_of_the_overview() -> None:
    ink = np.zeros((10, 10), bool)
    ink[:, 5:] = True
    overview = Overview(np.full((10, 10, 3), 243, np.uint8), ~ink & ink, (32.0, 32.0), 8.0, 100)
    tissue = TissueMask(np.zeros((10, 10), bool), (32.0, 32.0), 8.0, 20.0, ink=ink)
    quality = SlideQuality.of(overview, tissue)
    patch = np.full((128, 128, 3), 243, np.uint8)
    shares = [quality.of_patch(patch, 0.25, (x, 0), 128).pen for x in (0, 96, 160)]
    assert shares == [0.0, 0.5, 1.0]
