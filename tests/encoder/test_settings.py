"""Encoders of the same weights under other settings, and the mode of their networks."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from msfusion_sdk import SlideEncoder

pytestmark = pytest.mark.slow


def with_fusion(encoder: SlideEncoder, rule: str) -> SlideEncoder:
    fusion = {"tile_weights": rule, "patch_weights": rule}
    return encoder.with_config(encoder.config.updated(fusion=fusion))


@pytest.mark.parametrize("rule", ["softmax", "uniform"])
def test_another_fusion_uses_the_same_networks(
    small_encoder: SlideEncoder, made_slide: Path, rule: str
) -> None:
    other = with_fusion(small_encoder, rule)
    assert other.model.context is small_encoder.model.context
    ours, theirs = small_encoder.encode(made_slide), other.encode(made_slide)
    assert ours.patches["context_score"].equals(theirs.patches["context_score"])
    assert np.abs(ours.vector - theirs.vector).max() > 1e-4


def test_uniform_weights_give_the_mean_of_the_patch_vectors(
    small_encoder: SlideEncoder, made_slide: Path
) -> None:
    result = with_fusion(small_encoder, "uniform").encode(made_slide)
    vectors = np.array(result.patches["vector"].to_pylist())
    assert np.allclose(result.vector, vectors.mean(0), rtol=1e-5, atol=1e-6)


def test_the_first_encoder_keeps_its_fusion_and_its_networks(small_encoder: SlideEncoder) -> None:
    other = with_fusion(small_encoder, "uniform")
    other.model.context = torch.nn.Identity()  # type: ignore[assignment]
    assert small_encoder.model.fusion.tile_weights == "normalised"
    assert small_encoder.model.context is not other.model.context


def test_settings_are_part_of_the_fingerprint_and_the_name_is_not(
    small_encoder: SlideEncoder,
) -> None:
    renamed = small_encoder.with_config(small_encoder.config.model_copy(update={"name": "n"}))
    assert renamed.fingerprint == small_encoder.fingerprint
    assert with_fusion(small_encoder, "uniform").fingerprint != small_encoder.fingerprint


def test_the_network_section_cannot_be_changed(small_encoder: SlideEncoder) -> None:
    config = small_encoder.config.updated(network={"classes": ("a", "b")})
    with pytest.raises(ValueError, match="belongs to the weights"):
        small_encoder.with_config(config)


def test_changing_settings_keeps_the_mode_of_the_networks(model_folder: Path) -> None:
    encoder = SlideEncoder.from_pretrained(model_folder, device="cpu")
    encoder.model.train()
    other = with_fusion(encoder, "uniform")
    assert all(module.training for module in other.model.modules())


def test_a_changed_encoder_survives_pickling(small_encoder: SlideEncoder, made_slide: Path) -> None:
    other = with_fusion(small_encoder, "softmax")
    copy = pickle.loads(pickle.dumps(other))
    assert copy.fingerprint == other.fingerprint
    assert np.array_equal(copy.encode(made_slide).vector, other.encode(made_slide).vector)


def test_encoding_in_training_mode_is_refused(model_folder: Path, made_slide: Path) -> None:
    encoder = SlideEncoder.from_pretrained(model_folder, device="cpu")
    encoder.model.train()
    with pytest.raises(RuntimeError, match=r"Call encoder\.model\.eval\(\)"):
        encoder.encode(made_slide)
