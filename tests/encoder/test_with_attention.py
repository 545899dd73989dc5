"""An encoder fuses patches by attention that was learned from outcomes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from msfusion_adapters.patches import PatchesAdapter
from msfusion_sdk import SlideEncoder
from msfusion_sdk.bags import LearnedAttention, bag_table
from msfusion_sdk.encoder.weights.patch_attention import ATTENTION_FILE
from msfusion_sdk.errors import ShapeError, WeightsCorruptError
from msfusion_sdk.testing import make_slide

pytestmark = pytest.mark.slow


def fitted(features: int) -> LearnedAttention:
    """Return what two heads learned, the plain mean beside them having a small say."""
    rng = np.random.default_rng(0)
    y = pd.Series(np.resize(["a", "b"], 24), [f"P{number:02d}" for number in range(24)])
    bags = {}
    for name, kind in y.items():
        vectors = rng.normal(0, 0.1, (12, features))
        vectors[:3, 0] += 1 if kind == "a" else -1
        bags[str(name)] = vectors.astype(np.float32)
    learned = PatchesAdapter(members=2, n_components=8).fit(bag_table(bags), y).attention_
    return replace(learned, mix=np.array([0.9, 0.1]))


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_slide(tmp_path_factory.mktemp("attended") / "case.svs", 1100, 700, tissue="full")


@pytest.fixture(scope="module")
def encoder(small_encoder: SlideEncoder) -> SlideEncoder:
    return small_encoder.with_attention(fitted(small_encoder.config.vector_length))


def test_the_vector_is_the_mean_of_the_patches_by_the_learned_weights(
    encoder: SlideEncoder, small_encoder: SlideEncoder, slide: Path
) -> None:
    plain, found = small_encoder.encode(slide), encoder.encode(slide)
    vectors = np.stack(plain.patches["vector"].to_pylist())
    weights = fitted(vectors.shape[1]).judge(vectors).weights
    assert found.patches["weight"].to_pylist() == pytest.approx(weights.tolist(), abs=1e-6)
    assert found.vector == pytest.approx(weights @ vectors, abs=1e-4)
    assert not np.allclose(weights, 1 / len(weights))


def test_a_saved_encoder_needs_nothing_else(
    encoder: SlideEncoder, slide: Path, tmp_path: Path
) -> None:
    folder = encoder.save_pretrained(tmp_path / "model")
    again = SlideEncoder.from_pretrained(folder, device="cpu", precision="fp32")
    assert again.fingerprint == encoder.fingerprint
    assert np.array_equal(np.asarray(again.encode(slide)), np.asarray(encoder.encode(slide)))


def test_the_attention_is_part_of_the_fingerprint_and_can_be_taken_out(
    encoder: SlideEncoder, small_encoder: SlideEncoder
) -> None:
    assert encoder.fingerprint != small_encoder.fingerprint
    assert encoder.without_attention().fingerprint == small_encoder.fingerprint


def test_an_attention_that_is_not_the_one_that_was_saved_is_refused(
    encoder: SlideEncoder, tmp_path: Path
) -> None:
    path = encoder.save_pretrained(tmp_path / "model") / ATTENTION_FILE
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(WeightsCorruptError, match="pins"):
        SlideEncoder.from_pretrained(path.parent)
    path.unlink()
    with pytest.raises(WeightsCorruptError, match="missing"):
        SlideEncoder.from_pretrained(path.parent)


def test_an_attention_of_other_patches_is_refused(small_encoder: SlideEncoder) -> None:
    with pytest.raises(ShapeError, match="patches of 16 numbers"):
        small_encoder.with_attention(fitted(16))


def test_settings_cannot_claim_an_attention_that_is_not_there(
    encoder: SlideEncoder, small_encoder: SlideEncoder
) -> None:
    with pytest.raises(ValueError, match="with_attention"):
        small_encoder.with_config(encoder.config)
