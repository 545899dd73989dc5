"""Pictures of tissue that was outlined by hand, the same stained or inked otherwise, and truth."""

import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import openslide

from msfusion_sdk.config import TissueConfig
from msfusion_sdk.slides import open_slide
from msfusion_sdk.slides.tissue.mask import find_tissue
from msfusion_sdk.slides.tissue.overview import Overview, read_overview

TRUTH = Path(__file__).parents[2] / "data" / "tissue_truth.json"
FINER = 4
"""Outlines are filled so much finer than pixels; a pixel is tissue when half of it is."""
Picture = np.ndarray


class Inked(NamedTuple):
    """A picture, and where a pen was drawn on it."""

    pixels: Picture
    ink: np.ndarray


def as_it_is(pixels: Picture) -> Inked:
    return Inked(pixels, np.zeros(pixels.shape[:2], bool))


def other_stain(pixels: Picture, hue: int) -> Inked:
    """The same tissue in blue, brown or green."""
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(int) + hue) % 180
    return as_it_is(np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)))


def pale(pixels: Picture) -> Inked:
    return as_it_is(np.rint(243 - (243.0 - pixels) * 0.5).clip(0, 255).astype(np.uint8))


def under_pen(pixels: Picture, colour: tuple[int, int, int]) -> Inked:
    """A stroke across the tissue from corner to corner."""
    height, width = pixels.shape[:2]
    ends = (width // 8, height // 6), (width * 7 // 8, height * 5 // 6)
    edge = max(3, round(0.05 * min(height, width)))
    ink = cv2.line(np.zeros((height, width), np.uint8), *ends, 1, edge) > 0
    return Inked(np.where(ink[..., None], np.uint8(colour), pixels).astype(np.uint8), ink)


CHANGES: dict[str, Callable[[Picture], Inked]] = {
    "as it is": as_it_is,
    "blue": partial(other_stain, hue=-45),
    "brown": partial(other_stain, hue=30),
    "green": partial(other_stain, hue=-80),
    "pale": pale,
    "blue pen": partial(under_pen, colour=(30, 80, 190)),
    "green pen": partial(under_pen, colour=(20, 120, 60)),
}


def known(name: str) -> dict[str, Any]:
    """Return what is written of one picture."""
    entry: dict[str, Any] = json.loads(TRUTH.read_text())[name]
    return entry


@cache
def picture_of(shared: Path, name: str) -> Picture:
    """Return the pixels that were looked at."""
    of = known(name)
    path = shared / "data" / "slides" / of["file"]
    if "picture" in of:
        with openslide.OpenSlide(path) as slide:
            pixels = np.asarray(slide.associated_images[of["picture"]].convert("RGB"))
    elif path.suffix == ".png" or "unsupported" in path.parts:
        pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    else:
        with open_slide(path, mpp=of.get("level_0_mpp")) as slide:
            pixels = read_overview(slide, slide.spacing().mpp, of["mpp"]).pixels
    shrink = of.get("shrink", 1)
    size = pixels.shape[1] // shrink, pixels.shape[0] // shrink
    pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if shrink > 1 else pixels
    left, top, right, bottom = of.get("crop", (0, 0, *size))
    return np.ascontiguousarray(pixels[top:bottom, left:right])


@cache
def filled(name: str, what: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return the pixels inside outlines; coordinates count from the corner of the first pixel."""
    of = known(name)
    drawn = np.zeros((shape[0] * FINER, shape[1] * FINER), np.uint8)
    corner = np.array(of.get("crop", (0, 0))[:2], float)
    for rings in of.get(what, []):
        for ring, value in zip(rings, [1] + [0] * len(rings[1:]), strict=True):
            vertices = (np.array(ring) - corner) * FINER - 0.5
            cv2.fillPoly(drawn, [np.rint(vertices).astype(np.int32)], value)
    halves = cv2.resize(255 * drawn, shape[1::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(halves > 127)


def overlap(shared: Path, name: str, change: str, config: TissueConfig | None = None) -> float:
    """Return the intersection over union of the mask and what was outlined."""
    pixels, ink = CHANGES[change](picture_of(shared, name))
    nothing, mpp = np.zeros(pixels.shape[:2], bool), known(name)["mpp"]
    overview = Overview(pixels, nothing, (1.0, 1.0), mpp, 1)
    judged = ~filled(name, "unjudged", pixels.shape)
    found = find_tissue(overview, config or TissueConfig()).mask & judged
    truth = filled(name, "tissue", pixels.shape) & ~ink & judged
    return float((found & truth).sum() / (found | truth).sum())
