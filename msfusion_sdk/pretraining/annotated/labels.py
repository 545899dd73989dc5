"""The class of an image, from how much of it lies inside outlines."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.errors import AnnotationError
from msfusion_sdk.pretraining.annotated.dataset_config import DatasetConfig
from msfusion_sdk.slides.annotations import Annotations, read_annotations

__all__ = ["NO_CLASS", "choose", "label_images", "outlined_class", "shares_inside"]

Labels = NDArray[np.object_]
Shares = NDArray[np.float64]

NO_CLASS = ""
"""Of images that lie partly inside: neither tumour enough nor free of it."""


def shares_inside(
    annotations: Annotations,
    locations: NDArray[np.int64],
    size_px: int,
    slide_class: str | None,
    config: DatasetConfig,
) -> dict[str, Shares]:
    """Return the share of each square inside the outlines of each class.

    Parameters
    ----------
    locations : shape (square, 2)
        Top-left (x, y), level-0 pixels.
    slide_class : str or None
        The class that all outlines of the slide have; None when they name their own.

    Returns
    -------
    dict of class to shape (square,), 0..1
    """
    if slide_class is not None:
        chosen = annotations.select(*config.outlines) if config.outlines else annotations
        return {slide_class: chosen.overlap(locations, size_px)}
    names = {region.class_name for region in annotations.polygons} - {None}
    counted = sorted(name for name in names if name and _counts(name, config))
    return {name: annotations.select(name).overlap(locations, size_px) for name in counted}


def label_images(
    inside: Mapping[str, Shares], count: int, *, is_normal: bool, config: DatasetConfig
) -> Labels:
    """Return the class of every image, ``NO_CLASS`` for those in between.

    Parameters
    ----------
    inside : dict of class to shape (image,)
        As ``shares_inside`` gives it; empty without outlines.
    count : int
        Number of images.
    is_normal : bool
        Whether the slide as a whole is normal: then images outside are, in any case.
    """
    labels: Labels = np.full(count, NO_CLASS, object)
    names = list(inside)
    shares = np.stack([inside[name] for name in names]) if names else np.zeros((1, count))
    if is_normal or config.normal_outside:
        # Outlines of several classes may lie over each other: none of them may hold the image.
        labels[shares.max(0) <= config.max_outside] = config.normal
    for number, name in enumerate(names):
        # Where outlines of two classes lie over each other the larger share wins, then the first.
        most = shares.argmax(0) == number
        labels[most & (shares[number] >= config.min_overlap)] = name
    return labels


def choose(labels: Labels, limit: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the positions of at most ``limit`` images of each class, in order."""
    chosen = []
    for name in sorted({str(label) for label in labels} - {NO_CLASS}):
        rows = np.flatnonzero(labels == name)
        chosen.append(rows if len(rows) <= limit else rng.choice(rows, limit, replace=False))
    # In the order of the grid again: neighbours share compressed blocks of the file.
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, np.int64)


def outlined_class(path: Path, config: DatasetConfig) -> str:
    """Return the class with the largest outlines in a file; the normal one without outlines.

    A file that cannot be read counts as normal here; cutting its slide says what is wrong.
    """
    try:
        annotations = read_annotations(path)
    except AnnotationError:
        return config.normal
    areas: Counter[str] = Counter()
    for region in annotations.polygons:
        name = region.class_name
        if name is not None and _counts(name, config):
            areas[name] += region.polygon.area
    # Sorted, so that of equal areas the first by name wins and not the first drawn.
    return max(sorted(areas), key=lambda name: areas[name]) if areas else config.normal


def _counts(name: str, config: DatasetConfig) -> bool:
    return not config.outlines or name in config.outlines
