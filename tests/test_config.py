import json

import pytest
from pydantic import ValidationError

from msfusion_sdk.config import PRESETS, EncoderConfig, PatchConfig, TissueConfig


def test_the_default_patch_is_that_of_the_method() -> None:
    patches = PatchConfig()
    assert (patches.patch_size_px, patches.tile_size_px, patches.patch_size_um) == (1152, 576, 288)


def test_a_misspelt_setting_is_an_error() -> None:
    with pytest.raises(ValidationError, match="stride"):
        PatchConfig.model_validate({"stride": 576})


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        PatchConfig().stride_px = 576  # type: ignore[misc]


@pytest.mark.parametrize(
    "fields", [{"patch_size_px": 1153}, {"min_vertices": 5}, {"target_mpp": 0}, {"min_area": 0}]
)
def test_impossible_patches_are_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        PatchConfig.model_validate(fields)


def test_an_even_median_is_refused_with_the_reason() -> None:
    with pytest.raises(ValidationError, match="median_px must be odd"):
        TissueConfig(median_px=6)


def test_thresholds_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValidationError, match="must not be below"):
        TissueConfig(min_saturation=50, max_threshold=40)


def test_a_config_survives_json() -> None:
    config = EncoderConfig().with_preset("biopsy")
    assert EncoderConfig.model_validate_json(json.dumps(config.model_dump(mode="json"))) == config


def test_the_digest_ignores_the_name_and_nothing_else() -> None:
    config = EncoderConfig()
    assert config.model_copy(update={"name": "other"}).digest() == config.digest()
    assert config.updated(tissue={"median_px": 5}).digest() != config.digest()


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_valid(name: str) -> None:
    EncoderConfig().with_preset(name)


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="biopsy"):
        EncoderConfig().with_preset("cytology")


def test_an_update_keeps_the_other_fields_of_the_section() -> None:
    config = EncoderConfig().updated(patches={"stride_px": 576}).updated(patches={"min_area": 0.5})
    assert (config.patches.stride_px, config.patches.min_area) == (576, 0.5)
