"""Look at a slide before encoding it: spacing, tissue and the patches that will be read."""

import math
from dataclasses import dataclass

from msfusion_sdk.config import EncoderConfig
from msfusion_sdk.errors import SlideCorruptError, SlidePixelTypeError
from msfusion_sdk.slides.readers.reader import Slide
from msfusion_sdk.slides.readers.spacing import Spacing
from msfusion_sdk.slides.tissue.grid import PatchGrid, plan_grid
from msfusion_sdk.slides.tissue.mask import TissueMask, find_tissue
from msfusion_sdk.slides.tissue.overview import Overview, read_overview
from msfusion_sdk.slides.tissue.patch_plan import PatchPlan, plan_patches

__all__ = ["Survey", "survey_slide"]

# Brightness and spread of the channels, of 255, and shares of the slide.
DARK, BRIGHT, COLOURLESS = 60, 170, 30
MOSTLY, HARDLY = 0.5, 0.02
ENOUGH_PX = 1_000_000


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
            missing = float(self.overview.missing.mean())
            lacking = f"; the file lacks {100 * missing:.0f} % of its pixels" if missing else ""
            return f"no tissue found{lacking}"
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
        When the overview cannot be decoded, or the file holds no pixels.
    SlidePixelTypeError
        When the slide is dark all over, as fluorescence is.
    """
    spacing = slide.spacing()
    plan = plan_patches(slide.header.level_downsamples, spacing.mpp, config.patches)
    overview = read_overview(
        slide, spacing.mpp, config.tissue.mask_mpp, on_bad_region=config.read.on_bad_region
    )
    _require_brightfield(slide, overview)
    tissue = find_tissue(overview, config.tissue)
    grid = plan_grid(tissue, slide.dimensions, plan.l0_size, config.patches)
    return Survey(spacing, plan, overview, tissue, grid)


def _require_brightfield(slide: Slide, overview: Overview) -> None:
    if overview.missing.all():
        msg = (
            f"{slide.path} holds no pixels: all of it is transparent or absent. The scan or the "
            "copy did not finish; copy the slide again."
        )
        raise SlideCorruptError(msg)
    # To ask all pixels of a large slide took a seventh of the mask's time, and tells no more.
    step = max(1, math.isqrt(overview.missing.size // ENOUGH_PX))
    seen = overview.pixels[::step, ::step][~overview.missing[::step, ::step]]
    if not len(seen):
        return
    brightest = seen.max(-1)
    dark = float((brightest < DARK).mean())
    glass = float(((brightest > BRIGHT) & (brightest - seen.min(-1) < COLOURLESS)).mean())
    if dark > MOSTLY and glass < HARDLY:
        msg = (
            f"{slide.path} is dark: {100 * dark:.0f} % of it is nearly black and "
            f"{100 * glass:.1f} % is glass, as in fluorescence or dark field. The model reads "
            "brightfield slides; leave it out."
        )
        raise SlidePixelTypeError(msg)
