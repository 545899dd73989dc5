"""How patches of annotated slides become labelled images."""

from typing import Self

from pydantic import Field, model_validator

from msfusion_sdk.config import FrozenConfig, StainMethod

__all__ = ["DatasetConfig"]


class DatasetConfig(FrozenConfig):
    """Settings of the two datasets that are cut from annotated slides."""

    label: str | None = Field(
        None,
        description="column with each slide's class, which its outlines then have; "
        "None: outlines name their classes themselves",
    )
    normal: str = Field("normal", min_length=1, description="class of what no outline holds")
    normal_outside: bool = Field(
        True,
        description="patches outside the outlines are normal; False: only those of normal slides, "
        "for outlines that leave tumour out",
    )
    outlines: tuple[str, ...] = Field(
        (), description="classes of outlines that count; none named: all"
    )
    min_overlap: float = Field(
        0.5, gt=0, le=1, description="share of an image inside outlines from which it has a class"
    )
    max_outside: float = Field(
        0.0, ge=0, lt=1, description="share inside outlines up to which an image is normal"
    )
    min_tissue: float = Field(0.5, ge=0, le=1, description="share of tissue, of a tile")
    patches_per_slide: int = Field(200, ge=1, description="of one class, chosen at random")
    stain: StainMethod | None = Field("vahadane", description="None: slides keep their colours")
    target: str | None = Field(None, description="slide whose stains the others get; None: chosen")
    seed: int = 0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.max_outside >= self.min_overlap:
            msg = (
                f"max_outside ({self.max_outside:g}) must be below min_overlap "
                f"({self.min_overlap:g}): what lies between has no class."
            )
            raise ValueError(msg)
        if self.target is not None and self.stain is None:
            msg = f"A target slide ({self.target}) has no use without a stain method."
            raise ValueError(msg)
        return self
