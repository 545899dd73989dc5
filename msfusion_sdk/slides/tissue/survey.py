"""Look at a slide before encoding it: spacing, tissue and the patches that will be read."""

from dataclasses import dataclass

from msfusion_sdk.config import EncoderConfig
from msfusion_sdk.slides.readers.reader import Slide
from msfusion_sdk.slides.readers.spacing import Spacing
from msfusion_sdk.slides.tissue.grid import PatchGrid, plan_grid
from msfusion_sdk.slides.tissue.mask import TissueMask, find_tissue
from msfusion_sdk.slides.tissue.overview import Overview, read_overview
from msfusion_sdk.slides.tissue.patch_plan import PatchPlan, plan_patches

__all__ = ["Survey", "survey_slide"]


@dataclass(frozen=True)
class Survey:
    """Everything that is decided before the first patch is read."""

    spacing: Spacing
    plan: PatchPlan
    overview: Overview
    tissue: TissueMask
    grid: PatchGrid

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know, in the order in which it was found."""
        return (
            *self.spacing.warnings,
            *self.plan.warnings,
            *self.tissue.warnings,
            *self.grid.warnings,
        )

    @property
    def empty_reason(self) -> str:
        """Why there is no patch; '' when there is one."""
        if len(self.grid.locations):
            return ""
        if not self.tissue.mask.any():
            return "no tissue found"
        area = self.tissue.area_um2 / 1e6
        return f"{area:.3f} mm² of tissue found, and no patch holds enough of it"


def survey_slide(slide: Slide, config: EncoderConfig) -> Survey:
    """Find tissue and lay the patch grid.

    Parameters
    ----------
    slide : Slide
        Open.
    config : EncoderConfig
        Whose tissue and patch settings are used.

    Raises
    ------
    SlideResolutionError
        When µm per pixel are missing, implausible or too coarse; before any pixel is read.
    SlideCorruptError
        When the overview cannot be decoded.
    """
    spacing = slide.spacing()
    plan = plan_patches(slide.header.level_downsamples, spacing.mpp, config.patches)
    overview = read_overview(
        slide, spacing.mpp, config.tissue.mask_mpp, on_bad_region=config.read.on_bad_region
    )
    tissue = find_tissue(overview, config.tissue)
    grid = plan_grid(tissue, slide.dimensions, plan.l0_size, config.patches)
    return Survey(spacing, plan, overview, tissue, grid)
