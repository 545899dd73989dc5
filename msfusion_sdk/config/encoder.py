"""Everything that decides a slide vector, saved as ``config.json`` beside the weights."""

import hashlib
import json
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from msfusion_sdk.config.base import FrozenConfig
from msfusion_sdk.config.networks import AnyNetworkConfig, FeatureNetworksConfig, NetworkConfig
from msfusion_sdk.config.possible import possible_settings
from msfusion_sdk.config.slides import (
    PatchConfig,
    QualityConfig,
    ReadConfig,
    StainConfig,
    TissueConfig,
)
from msfusion_sdk.errors import SettingError

__all__ = [
    "PRESETS",
    "AttentionFusionConfig",
    "EncoderConfig",
    "PatchAttentionConfig",
    "Score",
    "WeightRule",
]

Fields = Mapping[str, object]
WeightRule = Literal["normalised", "softmax", "uniform"]
Score = Literal["attention", "evidence", "none"]


class AttentionFusionConfig(FrozenConfig):
    """What the scores are, and how they become weights (method step 5)."""

    score: Score = Field(
        "attention",
        description="attention: the method's, the mean of a network's last attention map; "
        "evidence: of a tile, 1 - the detail network's probability of the background class; of a "
        "patch, the mean of its tiles; none: 0.5 for all, which makes every mean a plain one",
    )
    tile_weights: WeightRule = "normalised"
    patch_weights: WeightRule = "normalised"


class PatchAttentionConfig(FrozenConfig):
    """Attention over the patches of a slide, learned from patients' outcomes."""

    head: Literal["gated", "mean", "max", "clam", "transformer"]
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of its file")


class EncoderConfig(FrozenConfig):
    """Everything that decides a slide vector, apart from the weights and the slide."""

    _added = frozenset({"qc", "attention"})

    config_version: Literal[1] = 1
    name: str = Field("untrained", min_length=1, description="what the weights are called")
    tissue: TissueConfig = TissueConfig()
    patches: PatchConfig = PatchConfig()
    read: ReadConfig = ReadConfig()
    network: AnyNetworkConfig = NetworkConfig()
    fusion: AttentionFusionConfig = AttentionFusionConfig()
    stain: StainConfig | None = Field(None, description="None: patches keep their own colours")
    qc: QualityConfig | None = Field(None, description="None: quality is not measured")

    attention: PatchAttentionConfig | None = Field(
        None, description="weighs patches in place of fusion.patch_weights, where there is one"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.fusion.score == "evidence" and self.network.background is None:
            msg = (
                "Scores by evidence need network.background, the class of tissue without the "
                f"finding (classes: {self.network.classes}); this model states none. Use "
                "score='attention'."
            )
            raise ValueError(msg)
        has_context = self.network.context_features > 0
        if isinstance(self.network, FeatureNetworksConfig) and has_context == (
            self.patches.single_scale
        ):
            msg = (
                f"patches.single_scale is {self.patches.single_scale}, and the model has "
                f"{'a' if has_context else 'no'} context network."
            )
            raise ValueError(msg)
        return self

    @property
    def context_features(self) -> int:
        """Length of the context half of a patch vector; 0 with a single scale."""
        return 0 if self.patches.single_scale else self.network.context_features

    @property
    def vector_length(self) -> int:
        """Length of patch and slide vectors: context features, then detail features."""
        return self.context_features + self.network.detail_features

    def updated(
        self,
        *,
        tissue: Fields | None = None,
        patches: Fields | None = None,
        read: Fields | None = None,
        network: Fields | None = None,
        fusion: Fields | None = None,
        stain: Fields | None = None,
        qc: Fields | None = None,
        attention: Fields | None = None,
    ) -> Self:
        """Return a copy with some fields of some sections replaced.

        Parameters
        ----------
        tissue, patches, read, network, fusion, stain, qc, attention : mapping, optional
            From fields of that section to values; an empty one makes a section that is None.

        Raises
        ------
        SettingError
            When a value cannot be, or there is no such field; it is a ``ValueError`` too.

        Examples
        --------
        >>> EncoderConfig().updated(fusion={"patch_weights": "uniform"}).fusion.patch_weights
        'uniform'
        """
        given = {
            "tissue": tissue, "patches": patches, "read": read, "network": network,
            "fusion": fusion, "stain": stain, "qc": qc, "attention": attention,
        }  # fmt: skip
        data = self.model_dump()
        for section, fields in given.items():
            if fields is not None:
                if not isinstance(fields, Mapping):
                    msg = f"{section}={fields!r} cannot be: give a mapping from fields to values."
                    raise SettingError(msg)
                # A section may be None, as stain is.
                data[section] = {**(data.get(section) or {}), **fields}
        with possible_settings(type(self)):
            return type(self).model_validate(data)

    def with_preset(self, name: str) -> Self:
        """Return a copy with the settings of ``PRESETS[name]``."""
        if name not in PRESETS:
            msg = f"No preset {name!r} (known: {', '.join(PRESETS)})."
            raise SettingError(msg)
        return self.updated(**PRESETS[name])

    def digest(self) -> str:
        """Return the SHA-256 of all settings but the name, hexadecimal."""
        # Without what is None: a setting that is new and unused changes no fingerprint.
        settings = self.model_dump(mode="json", exclude={"name"}, exclude_none=True)
        # Fingerprints stay as they were when attention was the only score.
        if self.fusion.score == "attention":
            del settings["fusion"]["score"]
        if isinstance(self.network, FeatureNetworksConfig):
            settings["network"] = self.network.identity()
        text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


PRESETS: dict[str, dict[str, dict[str, object]]] = {
    "resection": {"patches": {"keep_rule": "vertices"}},
    # Thin cores have no room for three corners in tissue, and small pieces are not dust.
    "biopsy": {
        "patches": {"keep_rule": "area"},
        "tissue": {"min_tissue_um2": 4_000.0},
    },
    # The vertex rule where it keeps enough of the tissue, the area rule where it does not.
    "auto": {"patches": {"keep_rule": "auto"}},
    # Tissue stained half as much as usual lies about ten above glass, and its thin edges less.
    "pale": {
        "patches": {"keep_rule": "auto"},
        "tissue": {"glass_margin": 10.0, "median_px": 5},
    },
    # The method as it is written: scores are the networks' attention.
    "literal": {"fusion": {"score": "attention"}},
}
