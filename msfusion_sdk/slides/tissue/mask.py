"""Find tissue: the foreground mask of a slide (method step 1).

RGB → HSV → median filter → Otsu on saturation → closing → hole filling → contours, near
8 µm per pixel.  Marker ink and dark artefacts are taken out before the threshold is found.

Source: Otsu, IEEE Transactions on Systems, Man, and Cybernetics 9 (1979) 62-66.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.arrays import Pixels
from msfusion_sdk.config import TissueConfig
from msfusion_sdk.slides.tissue.ink import disk, ink_mask, texture_of
from msfusion_sdk.slides.tissue.overview import Overview

__all__ = ["TissueMask", "find_tissue", "tissue_mask"]

Mask = NDArray[np.bool_]

# A group of pixels is stained tissue when its mean saturation is at least this.
TISSUE_SATURATION = 30.0
# Glass and pale tissue are this far apart in saturation, and glass is seldom more saturated.
APART = 10.0
# Outside these shares of the slide the mask is probably wrong.
PLAUSIBLE_SHARE = (0.0005, 0.98)
# Below the threshold by so much, and as much as so great a share of the tissue: some of it is pale.
PALE_BELOW, PALE_SHARE = 5.0, 0.15
PALE_MARGIN = 10.0
# Tissue has so many times the texture of glass, and of glass at least this much is noise.
ROUGHER, NOISE = 2.0, 0.5
# More ink than this is seldom marker: wrong colours, or a stain that is not H&E.
PLAUSIBLE_INK = 0.15


@dataclass(frozen=True)
class TissueMask:
    """Where a slide shows tissue."""

    mask: Mask
    """Shape (height, width) in mask pixels; True is tissue."""
    l0_step: tuple[float, float]
    """Level-0 pixels per mask pixel, in x and y."""
    mpp: float
    """µm per mask pixel."""
    threshold: float
    """Saturation above which a pixel was taken for tissue; NaN where none was needed."""
    warnings: tuple[str, ...] = ()
    ink: Mask | None = None
    """Where marker ink was seen, of the shape of ``mask``."""

    @property
    def area_um2(self) -> float:
        """Area of the tissue in square microns."""
        return float(self.mask.sum()) * self.mpp**2

    @property
    def share(self) -> float:
        """Share of the slide that is tissue."""
        return float(self.mask.mean())

    def contours(self) -> list[list[NDArray[np.float64]]]:
        """Return polygons as [outer ring, hole, …], rings of shape (vertex, 2), level-0 (x, y).

        Rings run through the centres of the outermost mask pixels.
        """
        rings, hierarchy = cv2.findContours(
            self.mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE
        )
        if hierarchy is None:
            return []
        step = np.asarray(self.l0_step)
        points = [(ring[:, 0].astype(np.float64) + 0.5) * step for ring in rings]
        parents = hierarchy[0][:, 3]
        return [
            [points[i], *(points[j] for j in np.flatnonzero(parents == i))]
            for i in np.flatnonzero(parents < 0)
        ]


def find_tissue(overview: Overview, config: TissueConfig) -> TissueMask:
    """Return the tissue mask of an overview image of a slide.

    Parameters
    ----------
    overview : Overview
        The slide near 8 µm per pixel.
    config : TissueConfig
        Thresholds and sizes of the mask.
    """
    hsv = _hsv(overview.pixels)
    ink = ink_mask(hsv, overview.mpp, config.stain) & ~overview.missing
    unusable = overview.missing | ink if config.drop_pen else overview.missing
    mask, threshold, pale = tissue_mask(hsv, unusable, overview.mpp, config)
    warnings = list(overview.warnings)
    share, (low, high) = float(mask.mean()), PLAUSIBLE_SHARE
    if mask.any() and not low <= share <= high:
        warnings.append(f"{100 * share:.3g} % of the slide is tissue; look at the overlay")
    if mask.any() and pale > PALE_SHARE and config.glass_margin > PALE_MARGIN:
        warnings.append(
            f"what is a little too pale to be tissue is {100 * pale:.0f} % as much as the tissue "
            "that was found; look at the overlay, and if tissue is missing there, set "
            "preset='pale' (--preset pale)"
        )
    if config.drop_pen and ink.mean() > PLAUSIBLE_INK:
        way_out = "tissue.drop_pen=False (--keep-ink)"
        if config.stain == "he":
            way_out = f"tissue.stain (--stain ihc or other), or {way_out}"
        warnings.append(
            f"{100 * ink.mean():.0f} % of the slide has the colours of marker ink and was left "
            f"out; if it is not ink, the colours are wrong or the stain is not H&E: set {way_out}"
        )
    return TissueMask(mask, overview.l0_step, overview.mpp, threshold, tuple(warnings), ink)


def tissue_mask(
    hsv: Pixels, unusable: Mask, mpp: float, config: TissueConfig
) -> tuple[Mask, float, float]:
    """Return where an image shows tissue, the saturation threshold, and how much is doubtful.

    The last is what lies less than 5 below the threshold, as a share of what lies above.

    Parameters
    ----------
    hsv : shape (height, width, 3)
        OpenCV's 8-bit hue (0 to 179), saturation and value.
    unusable : shape (height, width)
        True where the file holds no pixels or where there is ink; never tissue.
    mpp : float
        µm per pixel of ``hsv``.
    """
    saturation = cv2.medianBlur(np.ascontiguousarray(hsv[..., 1]), config.median_px)
    valid = ~unusable & (hsv[..., 2] >= config.min_brightness)
    if not valid.any():
        return np.zeros(valid.shape, np.bool_), float("nan"), 0.0
    threshold = _threshold(np.asarray(saturation, np.uint8), valid, hsv, config)
    tissue = valid & (saturation > threshold)
    pale = _pale_share(np.asarray(saturation, np.uint8), valid, hsv, threshold)
    return _clean(tissue, valid, mpp, config), threshold, pale


def _pale_share(saturation: NDArray[np.uint8], valid: Mask, hsv: Pixels, threshold: float) -> float:
    """Return how much has the texture of tissue and is a little too pale, beside the tissue."""
    above = valid & (saturation > threshold - PALE_BELOW)
    count = int((valid & (saturation > threshold)).sum())
    share = (int(above.sum()) - count) / max(1, count)
    if share <= PALE_SHARE:
        return share
    glass = valid & ~above & ~_plain(hsv, 0)
    return share if _is_rougher(hsv, above & (saturation <= threshold), glass) else 0.0


def _hsv(rgb: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV), np.uint8)


def _threshold(
    saturation: NDArray[np.uint8], valid: Mask, hsv: Pixels, config: TissueConfig
) -> float:
    """Return the saturation at which tissue begins, guarded against slides of one kind alone.

    Otsu splits in two, and a slide may hold glass, pale tissue and dense tissue: the paler
    part is split again for as long as that brings out tissue.  What is left is glass, and
    the threshold lies ``glass_margin`` above its median, which is the same for two scans of
    one slide where Otsu's own threshold jumps.
    """
    # Where Otsu only splits glass, tissue too small to draw the threshold may still be there.
    threshold, rest = float(config.max_threshold), saturation[valid]
    while rest.min() < rest.max():
        otsu = _otsu(rest)
        if rest[rest > otsu].mean() < TISSUE_SATURATION:
            break
        threshold, rest = otsu, rest[rest <= otsu]
    if rest.mean() >= TISSUE_SATURATION:
        # Not even the palest part is glass.
        return float(config.min_saturation)
    glass = float(np.median(rest))
    if glass >= APART:
        scanned = valid & ~_plain(hsv, config.median_px)
        glass = _glass(saturation, scanned & (saturation <= rest.max()), hsv, glass)
    threshold = min(threshold, glass + config.glass_margin)
    return float(np.clip(threshold, config.min_saturation, config.max_threshold))


def _glass(saturation: NDArray[np.uint8], left: Mask, hsv: Pixels, median: float) -> float:
    """Return the saturation of glass where pale tissue may be most of what is left."""
    rest = saturation[left]
    if not rest.size or rest.min() == rest.max():
        return median
    otsu = _otsu(rest)
    lower, upper = rest[rest <= otsu], rest[rest > otsu]
    if upper.mean() - lower.mean() < APART:
        return median
    # Two kinds of glass, as beside a cover slip, are apart as well, and equally smooth.
    is_tissue = _is_rougher(hsv, left & (saturation > otsu), left & (saturation <= otsu))
    return float(np.median(lower)) if is_tissue else median


def _is_rougher(hsv: Pixels, part: Mask, glass: Mask) -> bool:
    """Return whether a part of a picture has more texture than its glass."""
    if not part.any() or not glass.any():
        return False
    texture = texture_of(np.ascontiguousarray(hsv[..., 2]))
    own, noise = float(np.median(texture[part])), float(np.median(texture[glass]))
    return own >= ROUGHER * max(NOISE, noise)


def _plain(hsv: Pixels, reach_px: int) -> Mask:
    """Return what is all of one colour, or near it, as where nothing was scanned.

    Glass has some noise.
    """
    brush = np.ones((3, 3), np.uint8)
    plain = (cv2.dilate(hsv, brush) == cv2.erode(hsv, brush)).all(2).astype(np.uint8)
    return np.asarray(cv2.dilate(plain, disk(2 * reach_px + 1)) > 0)


def _otsu(values: NDArray[np.uint8]) -> float:
    return cv2.threshold(values.reshape(1, -1), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0]


def _clean(mask: Mask, valid: Mask, mpp: float, config: TissueConfig) -> Mask:
    """Close gaps, fill small holes and drop specks."""
    round_brush = disk(config.closing_um / mpp)
    closed = np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, round_brush) > 0)
    # Closing must not grow tissue over ink or over pixels that the file does not hold.
    closed &= valid
    filled = closed | _small_parts(~closed, config.max_hole_um2 / mpp**2, touching_border=False)
    specks = _small_parts(filled, config.min_tissue_um2 / mpp**2, touching_border=True)
    return np.asarray(filled & ~specks & valid)


def _small_parts(mask: Mask, max_area_px: float, *, touching_border: bool) -> Mask:
    """Return the connected parts of at most ``max_area_px``."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    small = np.asarray(stats[:, cv2.CC_STAT_AREA] <= max_area_px)
    if not touching_border:
        # What is open to the slide's edge is glass outside the tissue, not a hole in it.
        edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
        small[np.unique(edge)] = False
    small[0] = False
    return np.asarray(small[labels], np.bool_)
