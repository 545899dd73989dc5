"""How good the trained networks are on the slides of patients they never saw."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, roc_auc_score, roc_curve

from msfusion_sdk.encoder.backends.devices import Runtime
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.files import store_text, storing
from msfusion_sdk.files.csv_text import csv_for_people
from msfusion_sdk.pretraining.from_tiles import SCALES, Dataset, Datasets
from msfusion_sdk.pretraining.scores import tile_probabilities
from msfusion_sdk.pretraining.views import Scale

__all__ = ["draw_scores", "per_slide", "score_slides", "score_images"]


def score_slides(
    model: TwoScaleModel, datasets: Datasets, out: Path, runtime: Runtime
) -> pd.DataFrame:
    """Write per-image and per-slide scores of the test patients, and their figures.

    Returns
    -------
    DataFrame
        As ``per_slide``, with a column network first.
    """
    tables = []
    for scale in SCALES:
        classes = datasets[scale].index.classes
        images = score_images(model, scale, datasets[scale], runtime)
        store_text(out / f"{scale}_images.csv", csv_for_people(images))
        draw_scores(out / f"{scale}_scores.png", images, classes, f"{scale} network")
        slides = per_slide(images, classes)
        slides.insert(0, "network", scale)
        tables.append(slides)
    table = pd.concat(tables, ignore_index=True)
    store_text(out / "slide_scores.csv", csv_for_people(table))
    return table


def score_images(
    model: TwoScaleModel, scale: Scale, dataset: Dataset, runtime: Runtime
) -> pd.DataFrame:
    """Return class, file, slide and the probability of each class, a row per test image."""
    index, config = dataset.index, dataset.config
    paths, _ = index.part("test")
    probabilities = tile_probabilities(
        getattr(model, scale),
        paths,
        scale,
        tile_mpp=config.tile_mpp,
        target_mpp=config.target_mpp,
        image_px=config.image_px,
        runtime=runtime,
    )
    # In the order of ``index.part``, which goes through the same rows.
    rows = index.table.loc[index.table["part"] == "test", ["class", "file", "group", "slide"]]
    return pd.concat(
        [rows.reset_index(drop=True), pd.DataFrame(probabilities, columns=list(index.classes))],
        axis=1,
    )


def per_slide(images: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """Return a row per slide: its images, the share right, and the mean probabilities.

    Columns slide, images, right (share of images given their own class), then the mean
    probability of each class over the slide's images.
    """
    guess = np.asarray(classes)[images[list(classes)].to_numpy().argmax(1)]
    grouped = images.assign(right=guess == images["class"]).groupby("slide")
    means = grouped[[*classes]].mean()
    counts = grouped.agg(images=("file", "size"), right=("right", "mean"))
    return pd.concat([counts, means], axis=1).reset_index()


def draw_scores(path: Path, images: pd.DataFrame, classes: tuple[str, ...], title: str) -> Path:
    """Draw the confusion matrix and one ROC curve per class against the rest, as PNG."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    probabilities = images[list(classes)].to_numpy()
    truth = images["class"].to_numpy()
    _draw_confusion(left, truth, np.asarray(classes)[probabilities.argmax(1)], classes)
    for number, name in enumerate(classes):
        is_class = truth == name
        false, true, _ = roc_curve(is_class, probabilities[:, number])
        area = roc_auc_score(is_class, probabilities[:, number])
        right.plot(false, true, label=f"{name} ({area:.3f})")
    right.plot([0, 1], [0, 1], color="grey", linestyle=":")
    right.set(xlabel="false positive rate", ylabel="true positive rate", title="one against rest")
    right.legend(title="class (AUROC)", frameon=False)
    slides = images["slide"].nunique()
    figure.suptitle(f"{title}: {len(images)} test images of {slides} slides")
    with storing(path) as temporary:
        figure.savefig(temporary, dpi=110)
    return path


def _draw_confusion(
    axes: Axes, truth: NDArray[np.object_], guess: NDArray[np.object_], classes: tuple[str, ...]
) -> None:
    counts = confusion_matrix(truth, guess, labels=list(classes))
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(shares, vmin=0, vmax=1, cmap="Blues")
    for row in range(len(classes)):
        for column in range(len(classes)):
            share = shares[row, column]
            axes.text(
                column, row, f"{counts[row, column]}\n{100 * share:.0f} %",
                ha="center", va="center", color="white" if share > 0.5 else "black",
            )  # fmt: skip
    ticks = range(len(classes))
    axes.set(xticks=ticks, yticks=ticks, xlabel="called", ylabel="true class")
    axes.set_xticklabels(classes)
    axes.set_yticklabels(classes)
