"""Settings of what happens to a slide before the networks see it: tissue, patches, reading, stain.

Units are in the names: ``_px`` pixels, ``_um`` microns, ``_mpp`` microns per pixel.
"""

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from msfusion_sdk.config.base import FrozenConfig

__all__ = [
    "MAX_MPP",
    "MIN_MPP",
    "KeepRule",
    "Artefact",
    "PatchConfig",
    "QualityConfig",
    "QualityUse",
    "ReadConfig",
    "Stain",
    "StainConfig",
    "StainMethod",
    "TissueConfig",
]

MIN_MPP, MAX_MPP = 0.05, 20.0
"""µm per pixel of level 0 that a scanner can have."""

KeepRule = Literal["vertices", "area", "auto"]
Stain = Literal["he", "ihc", "other"]
StainMethod = Literal["vahadane", "macenko"]
Artefact = Literal["focus", "fold", "bubble", "pen", "dust"]
QualityUse = Literal["record", "weights", "exclude"]


class TissueConfig(FrozenConfig):
    """How the foreground mask is found (method step 1)."""

    _added = frozenset({"stain"})

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
    drop_pen: bool = Field(True, description="remove marker ink by its colour and smoothness")
    stain: Stain = Field(
        "he", description="ihc, other: colours of ink may be a stain's, so ink must be smooth"
    )

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

    _added = frozenset({"tiles", "context_px", "single_scale"})

    patch_size_px: int = Field(1152, ge=64, multiple_of=2, description="patch edge")
    stride_px: int = Field(1152, ge=1, description="step of the grid; smaller overlaps")
    target_mpp: float = Field(0.25, gt=0, description="µm per px after resampling")
    max_upsample: float = Field(2.2, ge=1, description="coarser slides are refused")
    resample_tolerance: float = Field(0.02, ge=0, lt=0.5, description="no resampling within this")
    keep_rule: KeepRule = "vertices"
    min_vertices: int = Field(3, ge=1, le=4, description="corners in tissue, keep_rule vertices")
    min_area: float = Field(0.25, gt=0, le=1, description="share of tissue, keep_rule area")
    low_recall: float = Field(
        0.6, ge=0, le=1, description="tissue recall below which there is a warning, or auto's area"
    )

    tiles: int = Field(2, ge=1, le=16, description="per edge of a patch")
    context_px: int | None = Field(
        None, ge=32, description="edge of the context image; None: that of a tile"
    )
    single_scale: bool = Field(False, description="tiles alone, no context image")

    @model_validator(mode="after")
    def _check(self) -> Self:
        # Otherwise pixels at the edge would be in no image.
        for name, parts in (("tiles", self.tiles), ("context_px", self.context_px or 1)):
            if self.patch_size_px % parts:
                msg = (
                    f"{name}={parts} does not divide patch_size_px={self.patch_size_px}: images "
                    "are cut and averaged without a rest."
                )
                raise ValueError(msg)
        if self.tiles == 1 and self.context_px is None and not self.single_scale:
            msg = (
                "A patch of one tile has no smaller context image by itself: give context_px, or "
                "single_scale=True for tiles alone."
            )
            raise ValueError(msg)
        return self

    @property
    def tile_size_px(self) -> int:
        """Edge of a tile."""
        return self.patch_size_px // self.tiles

    @property
    def context_size_px(self) -> int:
        """Edge of the context image; 0 without one."""
        return 0 if self.single_scale else self.context_px or self.tile_size_px

    @property
    def tiles_per_patch(self) -> int:
        """Images that the detail network sees of one patch."""
        return self.tiles**2

    @property
    def images_per_patch(self) -> int:
        """Images that both networks see of one patch."""
        return self.tiles_per_patch + (not self.single_scale)

    @property
    def context_mpp(self) -> float:
        """µm per pixel of the context image; infinite without one."""
        edge = self.context_size_px
        return self.patch_size_um / edge if edge else math.inf

    @property
    def patch_size_um(self) -> float:
        """Patch edge in microns: the quantity that must match across scanners."""
        return self.patch_size_px * self.target_mpp


class ReadConfig(FrozenConfig):
    """What happens when part of a slide cannot be read."""

    on_bad_region: Literal["skip", "raise"] = "skip"
    max_bad_share: float = Field(0.05, ge=0, le=1, description="of patches; above, the slide fails")
    always_allowed: int = Field(2, ge=0, description="bad regions tolerated on any slide")


class StainConfig(FrozenConfig):
    """The two stains of a slide; of a model, those that its networks were trained on (step 6)."""

    method: StainMethod
    basis: tuple[tuple[float, float, float], tuple[float, float, float]] = Field(
        description="optical density of R, G, B at amount 1; haematoxylin, then eosin"
    )
    strength: tuple[float, float] = Field(description="99th percentile of the amount of each")


class QualityConfig(FrozenConfig):
    """What is done about the quality of patches: columns, smaller weights, or left out."""

    use: QualityUse = Field(
        "record",
        description="record: columns of the patch table; weights: also smaller weights; "
        "exclude: also no bad patch",
    )
    by: tuple[Artefact, ...] = Field(
        ("focus", "bubble", "pen", "dust"),
        min_length=1,
        description="what counts; folds are measured, and dense epithelium looks like one",
    )
    min_focus: float = Field(1.9, gt=0, description="less is out of focus")
    max_share: float = Field(0.5, ge=0, lt=1, description="of a patch; above, it is left out")
