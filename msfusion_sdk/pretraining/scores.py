"""How good the networks are on tiles: clean, restained and in grey, against a colour floor."""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from msfusion_sdk.arrays import Pixels
from msfusion_sdk.encoder.backends.devices import Runtime
from msfusion_sdk.encoder.networks.network import ImageClassifier
from msfusion_sdk.evaluation.metrics.intervals import draw_patients, interval_of
from msfusion_sdk.evaluation.metrics.resampling import recall_statistic
from msfusion_sdk.pretraining.augment import grey, match_stain, scale_stain
from msfusion_sdk.pretraining.index import Part, TileIndex
from msfusion_sdk.pretraining.views import Scale, plain_view, read_tile

__all__ = ["CONDITIONS", "colour_floor", "colour_statistics", "score_network", "tile_probabilities"]

Condition = Callable[[Pixels, np.random.Generator], Pixels]

CPU = Runtime("cpu", "fp32")

# One reference H&E appearance in CIE Lab; any fixed one would do.
REFERENCE_MEAN = np.array([62.0, 18.0, -14.0], np.float32)
REFERENCE_STD = np.array([17.0, 9.0, 7.0], np.float32)


def _gained(image: Pixels, rng: np.random.Generator) -> Pixels:
    return scale_stain(image, rng.uniform(0.75, 1.25, 3).astype(np.float32))


CONDITIONS: dict[str, Condition] = {
    "clean": lambda image, rng: image,
    "stain matched": lambda image, rng: match_stain(image, REFERENCE_MEAN, REFERENCE_STD),
    "stain gains ±25 %": _gained,
    "grey": lambda image, rng: grey(image),
}
"""What is done to every tile before the networks see it."""


@torch.inference_mode()
def tile_probabilities(
    classifier: ImageClassifier,
    paths: Sequence[Path],
    scale: Scale,
    *,
    tile_mpp: float,
    target_mpp: float = 0.25,
    image_px: int = 576,
    condition: str = "clean",
    seed: int = 0,
    runtime: Runtime = CPU,
    batch_size: int = 16,
) -> NDArray[np.float32]:
    """Return class probabilities of tile files, shape (tile, class).

    Parameters
    ----------
    tile_mpp, target_mpp : float
        µm per pixel of the files, and of level 0 as the model wants it.  The context
        network sees tiles at twice ``target_mpp``.
    image_px : int
        Edge of the images that the encoder gives the networks; smaller tiles are mirrored.
    condition : str
        A key of ``CONDITIONS``; random ones draw from ``seed`` and the tile's position.
    """
    change = CONDITIONS[condition]
    classifier.eval()
    rows = []
    for start in range(0, len(paths), batch_size):
        views = []
        for number, path in enumerate(paths[start : start + batch_size], start):
            # By the tile's number: the batch size does not change what is drawn.
            image = change(read_tile(path), np.random.default_rng([seed, number]))
            views.append(
                plain_view(image, scale, tile_mpp, target_mpp, image_px).transpose(2, 0, 1)
            )
        batch = torch.from_numpy(np.stack(views)).to(runtime.device)
        with runtime.autocast():
            rows.append(classifier.probabilities(batch).cpu().numpy())
    return np.concatenate(rows)


def score_network(
    classifier: ImageClassifier,
    scale: Scale,
    index: TileIndex,
    part: Part,
    *,
    tile_mpp: float,
    target_mpp: float = 0.25,
    image_px: int = 576,
    runtime: Runtime = CPU,
    seed: int = 0,
) -> pd.DataFrame:
    """Score one network on one part, a row per condition.

    Returns
    -------
    DataFrame
        Columns network, condition, balanced_accuracy, low, high (95 % interval of a
        bootstrap over groups), auroc (one class against the rest, mean), groups, tiles.
    """
    paths, labels = index.part(part)
    truth = np.asarray(labels)
    groups = index.table.loc[index.table["part"] == part, "group"].to_numpy()
    rows = []
    for condition in CONDITIONS:
        probabilities = tile_probabilities(
            classifier,
            paths,
            scale,
            tile_mpp=tile_mpp,
            target_mpp=target_mpp,
            image_px=image_px,
            condition=condition,
            runtime=runtime,
            seed=seed,
        )
        rows.append(
            {
                "network": scale,
                "condition": condition,
                **summarise(truth, probabilities, groups, seed=seed),
            }
        )
    return pd.DataFrame(rows)


def summarise(
    truth: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    groups: NDArray[np.object_],
    *,
    seed: int = 0,
    rounds: int = 500,
) -> dict[str, float]:
    """Return balanced accuracy with its interval over groups, AUROC and the counts."""
    guess = probabilities.argmax(1)
    low, high = group_interval(truth, guess, groups, seed=seed, rounds=rounds)
    classes = np.arange(probabilities.shape[1])
    one_against_rest = [
        roc_auc_score(truth == c, probabilities[:, c]) for c in classes if (truth == c).any()
    ]
    return {
        "balanced_accuracy": float(balanced_accuracy_score(truth, guess)),
        "low": low,
        "high": high,
        "auroc": float(np.mean(one_against_rest)),
        "groups": len(set(groups)),
        "tiles": len(truth),
    }


def group_interval(
    truth: NDArray[np.int64],
    guess: NDArray[np.int64],
    groups: NDArray[np.object_],
    *,
    seed: int,
    rounds: int,
) -> tuple[float, float]:
    """Return the 95 % percentile interval of balanced accuracy, groups drawn with replacement.

    Tiles of one group are copies of one photograph, so drawing tiles would feign certainty.  NaN
    where most draws lack a class.
    """
    units = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    present, codes = np.unique(truth, return_inverse=True)
    # One stratum: groups may hold several classes.
    draws = draw_patients(np.zeros_like(units), units, draws=rounds, seed=(seed,))
    recall = recall_statistic(guess == truth, codes.astype(np.int64), len(present))
    _, low, high = interval_of(recall(draws))
    return (np.nan, np.nan) if low is None or high is None else (low, high)


def colour_statistics(image: Pixels) -> NDArray[np.float64]:
    """Return 13 numbers that know colour and coarse texture but no structure.

    Mean and standard deviation of R, G, B (6), five percentiles of grey (5), mean and
    standard deviation of the grey gradient (2).
    """
    luminance = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    gradient = cv2.magnitude(*np.gradient(luminance.astype(np.float64)))
    percentiles = np.percentile(luminance, [5, 25, 50, 75, 95])
    # OpenCV's mean and deviation read the bytes once; numpy's make numbers of 8 bytes of them.
    numbers = [*cv2.meanStdDev(image), percentiles, *cv2.meanStdDev(gradient)]
    return np.concatenate([np.ravel(part) for part in numbers])


def colour_floor(index: TileIndex, part: Part) -> float:
    """Return the balanced accuracy of logistic regression on ``colour_statistics``.

    A network that scores no higher has learned nothing but the stain.
    """
    tables = {name: index.part(name) for name in ("train", part)}
    features = {
        name: np.stack([colour_statistics(read_tile(path)) for path in paths])
        for name, (paths, _) in tables.items()
    }
    # Fitted on the training tiles alone, as the network is.
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000, C=10.0))
    model.fit(features["train"], tables["train"][1])
    return float(balanced_accuracy_score(tables[part][1], model.predict(features[part])))
