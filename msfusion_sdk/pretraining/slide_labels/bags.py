"""A slide as a bag: a few of its patches, drawn from the same grid that encoding uses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.config import EncoderConfig
from msfusion_sdk.encoder.run.staining import Recolour, recolour_for
from msfusion_sdk.errors import SlideCorruptError, SlideError
from msfusion_sdk.pretraining.annotated.listing import AnnotatedSlide
from msfusion_sdk.pretraining.augment import scale_stain
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.tissue.patch_plan import PatchPlan
from msfusion_sdk.slides.tissue.patch_reading import read_patch
from msfusion_sdk.slides.tissue.survey import survey_slide

__all__ = ["Bag", "augmented", "readable_bags"]

Patches = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Bag:
    """One slide, and all that is decided before its first patch is read."""

    entry: AnnotatedSlide
    locations: list[tuple[int, int]]
    """The corners of its patches, level-0 pixels."""
    plan: PatchPlan
    recolour: Recolour | None
    empty_reason: str
    """Why there is no patch; '' when there is one."""

    @classmethod
    def of(cls, entry: AnnotatedSlide, config: EncoderConfig) -> Self:
        """Look at a slide as encoding does.

        Raises
        ------
        SlideError
            When it cannot be read.
        """
        with open_slide(entry.path, mpp=entry.mpp) as slide:
            survey = survey_slide(slide, config)
            recolour, _ = recolour_for(slide, survey, config.stain)
        locations = [(int(x), int(y)) for x, y in survey.grid.locations]
        return cls(entry, locations, survey.plan, recolour, survey.empty_reason)

    def draw(self, patches: int, rng: np.random.Generator) -> Patches:
        """Return at most so many patches, shape (patch, size, size, 3), no place twice.

        Raises
        ------
        SlideError
            When the slide is gone, or none of these patches can be decoded; fewer that cannot
            are left out.
        """
        # In the order of the file, so that neighbours find their stored tiles in the cache.
        places = sorted(rng.permutation(len(self.locations))[:patches])
        found, damage = [], None
        with open_slide(self.entry.path, mpp=self.entry.mpp) as slide:
            for place in places:
                try:
                    pixels = read_patch(slide, self.locations[place], self.plan).pixels
                except SlideCorruptError as error:
                    damage = error
                    continue
                found.append(pixels if self.recolour is None else self.recolour(pixels))
        if damage and not found:
            raise damage
        return np.stack(found)


def readable_bags(
    entries: Sequence[AnnotatedSlide],
    config: EncoderConfig,
    progress: Callable[[int, int], None],
) -> tuple[list[Bag], dict[str, str]]:
    """Return the slides that have patches, and for the others, by their ids, why they have none."""
    bags: list[Bag] = []
    reasons: dict[str, str] = {}
    for done, entry in enumerate(entries, 1):
        try:
            bag = Bag.of(entry, config)
        except SlideError as error:
            reasons[entry.slide_id] = f"[{error.code}] {error}"
        else:
            if bag.empty_reason:
                reasons[entry.slide_id] = bag.empty_reason
            else:
                bags.append(bag)
        progress(done, len(entries))
    return bags, reasons


def augmented(patches: Patches, stain_gain: float, rng: np.random.Generator) -> Patches:
    """Return patches turned and mirrored, each by chance, under one stain for the whole bag.

    Parameters
    ----------
    patches : shape (patch, size, size, 3)
    stain_gain : float
        The optical density of each channel is multiplied by 1 ± this.
    """
    gain = (1 + stain_gain * rng.uniform(-1, 1, 3)).astype(np.float32)
    out = np.empty_like(patches)
    for number, patch in enumerate(patches):
        # Quarter turns alone: others would have to invent pixels.
        turned = np.rot90(patch, int(rng.integers(4)))
        mirrored = turned[:, ::-1] if rng.random() < 0.5 else turned
        out[number] = scale_stain(np.ascontiguousarray(mirrored), gain)
    return out
