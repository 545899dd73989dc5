"""Frozen configuration of every stage.

Units are in the names: ``_px`` pixels, ``_um`` microns, ``_mpp`` microns per pixel.
Unknown keys are refused, so a misspelt setting is an error and never a default.
"""

from msfusion_sdk.config.base import FrozenConfig
from msfusion_sdk.config.encoder import (
    PRESETS,
    AttentionFusionConfig,
    EncoderConfig,
    PatchAttentionConfig,
    Score,
    WeightRule,
)
from msfusion_sdk.config.facts import Licence, NetworkFacts, NetworkSource, Readout, WeightsFacts
from msfusion_sdk.config.networks import (
    FEATURES,
    PATCH_VECTOR,
    AnyNetworkConfig,
    AttentionConfig,
    FeatureNetworksConfig,
    NetworkConfig,
    Summary,
)
from msfusion_sdk.config.slides import (
    MAX_MPP,
    MIN_MPP,
    Artefact,
    KeepRule,
    PatchConfig,
    QualityConfig,
    QualityUse,
    ReadConfig,
    Stain,
    StainConfig,
    StainMethod,
    TissueConfig,
)

__all__ = [
    "Artefact",
    "QualityConfig",
    "QualityUse",
    "AnyNetworkConfig",
    "AttentionConfig",
    "AttentionFusionConfig",
    "EncoderConfig",
    "FEATURES",
    "FeatureNetworksConfig",
    "FrozenConfig",
    "KeepRule",
    "Licence",
    "MAX_MPP",
    "MIN_MPP",
    "NetworkConfig",
    "NetworkFacts",
    "NetworkSource",
    "PATCH_VECTOR",
    "PRESETS",
    "PatchAttentionConfig",
    "PatchConfig",
    "ReadConfig",
    "Stain",
    "Readout",
    "Score",
    "StainConfig",
    "StainMethod",
    "Summary",
    "TissueConfig",
    "WeightRule",
    "WeightsFacts",
]
