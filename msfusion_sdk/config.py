"""Frozen settings of every stage, saved as ``config.json`` beside the weights.

Units are in the names: ``_px`` pixels, ``_um`` microns, ``_mpp`` microns per pixel.
Unknown keys are refused, so a misspelt setting is an error and never a default.
"""

import hashlib
import json
from typing import Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

__all__ = [
    "FEATURES",
    "MAX_MPP",
    "MIN_MPP",
    "PATCH_VECTOR",
    "PRESETS",
    "EncoderConfig",
    "FrozenConfig",
    "AttentionFusionConfig",
    "KeepRule",
    "NetworkConfig",
    "PatchConfig",
    "ReadConfig",
    "Score",
    "StainConfig",
    "StainMethod",
    "TissueConfig",
    "WeightRule",
]

FEATURES = 512
"""What a feature network makes of one image."""
PATCH_VECTOR = 2 * FEATURES
"""Context features, then detail features: the length of patch and slide vectors."""
MIN_MPP, MAX_MPP = 0.05, 20.0
"""µm per pixel of level 0 that a scanner can have."""

KeepRule = Literal["vertices", "area"]
WeightRule = Literal["normalised", "softmax", "uniform"]
Score = Literal["attention", "evidence"]
StainMethod = Literal["vahadane", "macenko"]


class FrozenConfig(BaseModel):
    """Immutable settings that refuse unknown keys.

    A field that was added later is named in ``_added``: it is written only where it differs
    from its default, so that what an older version wrote keeps its bytes and fingerprints.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    _added: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_unused(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = write(self)
        for name in self._added:
            if getattr(self, name) == type(self).model_fields[name].default:
                written.pop(name, None)
        return written


class TissueConfig(FrozenConfig):
    """How the foreground mask is found (method step 1)."""

    mask_mpp: float = Field(8.0, gt=0, description="spacing of the mask")
    median_px: int = Field(7, ge=1, description="median filter on saturation; odd")
    min_saturation: int = Field(
        12, ge=0, le=255, description="Otsu threshold is never below this: guards blank slides"
    )
    max_threshold: int = Field(
        60,
        ge=1,
        le=255,
        description="Otsu threshold is never above this: guards pen and pale tissue",
    )
    glass_margin: float = Field(
        15.0, gt=0, description="saturation above the glass's own at which tissue begins"
    )
    min_brightness: int = Field(40, ge=0, le=255, description="darker is pen, fold or scanner edge")
    closing_um: float = Field(56.0, ge=0, description="diameter of the closing that fills gaps")
    max_hole_um2: float = Field(20_000.0, ge=0, description="holes up to this area are filled")
    min_tissue_um2: float = Field(20_000.0, ge=0, description="smaller pieces are dust")
    drop_pen: bool = Field(True, description="remove marker ink by its hue")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.median_px % 2 == 0:
            msg = f"median_px must be odd, got {self.median_px}."
            raise ValueError(msg)
        if self.max_threshold < self.min_saturation:
            msg = (
                f"max_threshold ({self.max_threshold}) must not be below "
                f"min_saturation ({self.min_saturation})."
            )
            raise ValueError(msg)
        return self


class PatchConfig(FrozenConfig):
    """How tissue becomes patches (method step 2).  Sizes in pixels at ``target_mpp``."""

    patch_size_px: int = Field(1152, ge=64, multiple_of=2, description="patch edge")
    stride_px: int = Field(1152, ge=1, description="step of the grid; smaller overlaps")
    target_mpp: float = Field(0.25, gt=0, description="µm per px after resampling")
    max_upsample: float = Field(2.2, ge=1, description="coarser slides are refused")
    resample_tolerance: float = Field(0.02, ge=0, lt=0.5, description="no resampling within this")
    keep_rule: KeepRule = "vertices"
    min_vertices: int = Field(3, ge=1, le=4, description="corners in tissue, keep_rule vertices")
    min_area: float = Field(0.25, gt=0, le=1, description="share of tissue, keep_rule area")
    low_recall: float = Field(0.6, ge=0, le=1, description="warn below this tissue recall")

    @property
    def tile_size_px(self) -> int:
        """Edge of one of the four tiles, and of the context image."""
        return self.patch_size_px // 2

    @property
    def patch_size_um(self) -> float:
        """Patch edge in microns: the quantity that must match across scanners."""
        return self.patch_size_px * self.target_mpp


class ReadConfig(FrozenConfig):
    """What happens when part of a slide cannot be read."""

    on_bad_region: Literal["skip", "raise"] = "skip"
    max_bad_share: float = Field(0.05, ge=0, le=1, description="of patches; above, the slide fails")
    always_allowed: int = Field(2, ge=0, description="bad regions tolerated on any slide")


class NetworkConfig(FrozenConfig):
    """Architecture of both feature networks (method step 4)."""

    architecture: Literal["resnet18-spatial-attention"] = "resnet18-spatial-attention"
    classes: tuple[str, ...] = Field(
        ("lung_aca", "lung_n", "lung_scc"),
        min_length=2,
        description="of the classifier that trains the networks; order of its logits",
    )
    background: str | None = Field(
        None, description="the class of tissue without the finding, where there is one"
    )
    pixel_mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    pixel_std: tuple[float, float, float] = (0.229, 0.224, 0.225)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.background is not None and self.background not in self.classes:
            msg = f"background {self.background!r} is none of the classes {self.classes}."
            raise ValueError(msg)
        return self


class StainConfig(FrozenConfig):
    """The two stains of a slide; of a model, those that its networks were trained on (step 6)."""

    method: StainMethod
    basis: tuple[tuple[float, float, float], tuple[float, float, float]] = Field(
        description="optical density of R, G, B at amount 1; haematoxylin, then eosin"
    )
    strength: tuple[float, float] = Field(description="99th percentile of the amount of each")


class AttentionFusionConfig(FrozenConfig):
    """What the scores are, and how they become weights (method step 5)."""

    score: Score = Field(
        "attention",
        description="attention: the method's, the mean of a network's last attention map; "
        "evidence: of a tile, 1 - the detail network's probability of the background class; of a "
        "patch, the mean of its tiles",
    )
    tile_weights: WeightRule = "normalised"
    patch_weights: WeightRule = "normalised"


class EncoderConfig(FrozenConfig):
    """Everything that decides a slide vector, apart from the weights and the slide."""

    config_version: Literal[1] = 1
    name: str = Field("untrained", min_length=1, description="what the weights are called")
    tissue: TissueConfig = TissueConfig()
    patches: PatchConfig = PatchConfig()
    read: ReadConfig = ReadConfig()
    network: NetworkConfig = NetworkConfig()
    fusion: AttentionFusionConfig = AttentionFusionConfig()
    stain: StainConfig | None = Field(None, description="None: patches keep their own colours")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.fusion.score == "evidence" and self.network.background is None:
            msg = (
                "Scores by evidence need network.background, the class of tissue without the "
                f"finding (classes: {self.network.classes}); this model states none. Use "
                "score='attention'."
            )
            raise ValueError(msg)
        return self

    def updated(self, **sections: dict[str, object]) -> Self:
        """Return a copy with some fields of some sections replaced.

        Examples
        --------
        >>> EncoderConfig().updated(fusion={"patch_weights": "uniform"}).fusion.patch_weights
        'uniform'
        """
        data = self.model_dump()
        for section, fields in sections.items():
            data[section] = {**(data[section] or {}), **fields}
        return type(self).model_validate(data)

    def with_preset(self, name: str) -> Self:
        """Return a copy with the settings of ``PRESETS[name]``."""
        if name not in PRESETS:
            msg = f"No preset {name!r} (known: {', '.join(PRESETS)})."
            raise ValueError(msg)
        return self.updated(**PRESETS[name])

    def digest(self) -> str:
        """Return the SHA-256 of all settings but the name, hexadecimal."""
        # Without what is None: a setting that is new and unused changes no fingerprint.
        settings = self.model_dump(mode="json", exclude={"name"}, exclude_none=True)
        if self.fusion.score == "attention":
            del settings["fusion"]["score"]
        text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


PRESETS: dict[str, dict[str, dict[str, object]]] = {
    "resection": {"patches": {"keep_rule": "vertices"}},
    # Thin cores have no room for three corners in tissue, and small pieces are not dust.
    "biopsy": {
        "patches": {"keep_rule": "area"},
        "tissue": {"min_tissue_um2": 4_000.0},
    },
    # The method as it is written: scores are the networks' attention.
    "literal": {"fusion": {"score": "attention"}},
}
