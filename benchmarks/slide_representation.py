"""The claim: the fused vector against simpler representations of a slide.

    python benchmarks/slide_representation.py --tiles FOLDER [--same-stain] [--cache DIR]
    python benchmarks/slide_representation.py --cohort FOLDER --outcome diagnosis

Composite slides are mosaics of labelled tiles of three kinds: normal, and two of tumour that
fills 5 to 60 % of the slide.  Tiles of the networks' own training groups are never used: slides
for training the classifier are made of the validation groups, test slides of the test groups.
Every representation has the same classifier (standardised logistic regression, default C) on the
same slides.  Balanced accuracy below a tumour fraction is the mean of three recalls: both kinds of
tumour among slides of that fraction, and normal among all normal slides.  Intervals come from a
bootstrap over test slides, seeds pooled; differences are paired.

A user's cohort must have been encoded with its patch vectors; there the score is from five folds
by patient.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from slide_composites import cohort

from msfusion_sdk import Cohort, SlideEncoder
from msfusion_sdk.pretraining.index import read_tile_index

Features = dict[str, np.ndarray]
CLUSTERS, DRAWS, NORMAL = 3, 1000, "lung_n"
RANGES = {"all": (0, 1), "5 to 15 %": (0, 0.15), "25 to 60 %": (0.2, 1)}


def weighted(vectors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return (weights[:, None] * vectors).sum(0) / weights.sum()  # type: ignore[no-any-return]


def patch_vectors(slide: Features, tile_weights: np.ndarray) -> np.ndarray:
    shares = tile_weights / tile_weights.sum(1, keepdims=True)
    return np.concatenate([slide["context"], (shares[..., None] * slide["tiles"]).sum(1)], 1)


def single(choose: Callable[[np.ndarray, np.random.Generator], int]) -> Callable[..., Any]:
    """Return a representation by one patch."""

    def represent(slide: Features, rng: np.random.Generator) -> np.ndarray:
        vectors = slide["patches"]
        return vectors[choose(vectors, rng)]  # type: ignore[no-any-return]

    return represent


def nearest_centroid(vectors: np.ndarray, rng: np.random.Generator) -> int:
    return int(np.linalg.norm(vectors - vectors.mean(0), axis=1).argmin())


def cluster_representative(vectors: np.ndarray, rng: np.random.Generator) -> int:
    """Return the patch nearest to the centre of the largest of three clusters."""
    found = KMeans(min(CLUSTERS, len(vectors)), n_init=3, random_state=0).fit(vectors)
    largest = np.bincount(found.labels_).argmax()
    distance = np.linalg.norm(vectors - found.cluster_centers_[largest], axis=1)
    return int(distance.argmin())


REPRESENTATIONS: dict[str, Callable[[Features, np.random.Generator], np.ndarray]] = {
    "random patch": single(lambda vectors, rng: int(rng.integers(len(vectors)))),
    "patch nearest to the centroid": single(nearest_centroid),
    "cluster representative": single(cluster_representative),
    "plain mean": lambda s, rng: s["plain"].mean(0),
    "context network only": lambda s, rng: weighted(s["patches"][:, :512], s["context_scores"]),
    "detail network only": lambda s, rng: weighted(s["patches"][:, 512:], s["context_scores"]),
    "softmax weights": lambda s, rng: weighted(s["patches"], np.exp(s["context_scores"])),
    "fused, literal method": lambda s, rng: weighted(s["patches"], s["context_scores"]),
}
OF_COMPOSITES = {
    # Not even over the places of an image, before they are one vector.
    "no attention anywhere": lambda s, rng: np.append(
        s["context_bare"].mean(0), s["tiles_bare"].mean((0, 1))
    ),
    "evidence, patches only": lambda s, rng: weighted(s["patches"], s["context_evidence"]),
    "evidence, patches and tiles": lambda s, rng: weighted(s["evident"], s["context_evidence"]),
    "evidence, mean of its tiles": lambda s, rng: weighted(
        s["evident"], s["tile_evidence"].mean(1)
    ),
}


def prepare(slide: Features, normal: int | None) -> Features:
    """Add the patch vectors of each way to weigh tiles."""
    ready = dict(slide)
    if "tiles" in slide:
        ready["patches"] = patch_vectors(slide, slide["tile_scores"])
        ready["plain"] = patch_vectors(slide, np.ones_like(slide["tile_scores"]))
    if normal is not None:
        ready["context_evidence"] = 1 - slide["context_classes"][:, normal] + 1e-3
        ready["tile_evidence"] = 1 - slide["tile_classes"][..., normal] + 1e-3
        ready["evident"] = patch_vectors(slide, ready["tile_evidence"])
    return ready


def classifier() -> LogisticRegression:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))


def predict_composites(
    train: tuple[pd.DataFrame, list[Features]],
    test: tuple[pd.DataFrame, list[Features]],
    ways: dict[str, Callable[..., Any]],
    seed: int,
) -> pd.DataFrame:
    """Return truth, fraction and, for each representation, the guess and the probabilities."""
    out = test[0].assign(seed=seed)
    for name, represent in ways.items():
        rng = np.random.default_rng(seed)
        x, x_test = (np.stack([represent(s, rng) for s in part[1]]) for part in (train, test))
        model = classifier().fit(x, train[0]["kind"])
        out[name] = model.predict(x_test)
        probabilities = model.predict_proba(x_test)
        for number, kind in enumerate(model.classes_):
            out[f"{name}: {kind}"] = probabilities[:, number]
    return out


def balanced(table: pd.DataFrame, name: str, limits: tuple[float, float]) -> float:
    low, high = limits
    inside = (table["kind"] == NORMAL) | table["fraction"].between(low, high)
    right = (table[name] == table["kind"])[inside]
    return float(right.groupby(table["kind"][inside]).mean().mean())


def auroc(table: pd.DataFrame, name: str) -> float:
    kinds = sorted(table["kind"].unique())
    areas = [roc_auc_score(table["kind"] == k, table[f"{name}: {k}"]) for k in kinds]
    return float(np.mean(areas))


def report(table: pd.DataFrame, names: list[str], against: str) -> pd.DataFrame:
    """Return a row per representation: score, interval and paired difference in each range."""
    rng = np.random.default_rng(0)
    strata = [rows.index for _, rows in table.groupby(["kind", "fraction"])]
    draws = [
        table.loc[np.concatenate([rng.choice(rows, len(rows)) for rows in strata])]
        for _ in range(DRAWS)
    ]
    rows = []
    for name in names:
        row: dict[str, object] = {"representation": name, "AUROC": round(auroc(table, name), 3)}
        for label, limits in RANGES.items():
            scores = np.array([balanced(draw, name, limits) for draw in draws])
            others = np.array([balanced(draw, against, limits) for draw in draws])
            low, high = np.quantile(scores, [0.025, 0.975])
            row[label] = f"{balanced(table, name, limits):.3f} ({low:.2f} to {high:.2f})"
            if name != against:
                low, high = np.quantile(scores - others, [0.025, 0.975])
                gain = balanced(table, name, limits) - balanced(table, against, limits)
                row[f"{label}, gain"] = f"{gain:+.3f} ({low:+.2f} to {high:+.2f})"
        rows.append(row)
    return pd.DataFrame(rows).fillna("")


def spread(slides: list[Features]) -> str:
    """Return how much weights differ within slides: the effective share of patches."""

    def effective(weights: np.ndarray) -> float:
        return float(weights.sum() ** 2 / (weights**2).sum() / len(weights))

    scores = [s["context_scores"] for s in slides]
    low, high = np.quantile(np.concatenate(scores), [0.05, 0.95])
    literal = np.mean([effective(s) for s in scores])
    text = f"context scores, 5th to 95th percentile: {low:.3f} to {high:.3f}; effective share of "
    text += f"patches {literal:.2f} (1 = plain mean)"
    if "context_evidence" in slides[0]:
        evidence = np.mean([effective(s["context_evidence"]) for s in slides])
        text += f"; with evidence {evidence:.2f}"
    return text


def run_composites(arguments: argparse.Namespace) -> None:
    encoder = SlideEncoder.from_pretrained(arguments.model)
    index = read_tile_index(arguments.tiles, seed=0)
    normal = encoder.config.network.classes.index(NORMAL)
    ways = REPRESENTATIONS | OF_COMPOSITES
    tables, slides = [], []
    for seed in range(arguments.seeds):
        parts = []
        for part, count in (("validation", arguments.train), ("test", arguments.test)):
            stain = "same" if arguments.same_stain else "own"
            name = f"{encoder.fingerprint[:12]}-{stain}-{part}-{seed}-{count}-{arguments.patches}"
            table, features = cached(arguments.cache, name) or cohort(
                encoder, index, part,
                slides=count, patches=arguments.patches,
                same_stain=arguments.same_stain, seed=seed,
            )  # fmt: skip
            store(arguments.cache, name, table, features)
            parts.append((table, [prepare(slide, normal) for slide in features]))
        train, test = parts
        tables.append(predict_composites(train, test, ways, seed))
        slides += test[1]
    table = pd.concat(tables, ignore_index=True)
    print(
        f"\n{len(table)} test slides of {arguments.patches} patches, {arguments.seeds} seeds, ",
        end="",
    )
    print("one stain" if arguments.same_stain else "own stains", f"model {encoder.config.name}")
    print(spread(slides))
    print(report(table, list(ways), arguments.against).to_string(index=False))


def cached(folder: Path | None, name: str) -> tuple[pd.DataFrame, list[Features]] | None:
    if folder is None or not (folder / f"{name}.npz").exists():
        return None
    arrays = np.load(folder / f"{name}.npz")
    table = pd.read_csv(folder / f"{name}.csv")
    return table, [{k: arrays[k][i] for k in arrays.files} for i in range(len(table))]


def store(folder: Path | None, name: str, table: pd.DataFrame, features: list[Features]) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        table.to_csv(folder / f"{name}.csv", index=False)
        np.savez(
            folder / f"{name}.npz",
            **{k: np.stack([f[k] for f in features]) for k in features[0]},  # type: ignore[arg-type]
        )


def run_cohort(arguments: argparse.Namespace) -> None:
    """Score the representations on a user's cohort with stored patch vectors."""
    opened = Cohort.open(arguments.cohort)
    labels = opened.outcome(arguments.outcome)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "patches.parquet"
        opened.export(path, level="patch")
        patches = pd.read_parquet(path)
    patches = patches[patches["patient_id"].isin(labels.index)]
    known = []
    for (patient, _), rows in patches.groupby(["patient_id", "slide_id"]):
        vectors = np.stack(rows["vector"].to_list())
        scores = rows["context_score"].to_numpy()
        known.append((patient, {"patches": vectors, "plain": vectors, "context_scores": scores}))
    groups = [patient for patient, _ in known]
    truth = labels.loc[groups].to_numpy()  # type: ignore[index]
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    for name, represent in REPRESENTATIONS.items():
        rng = np.random.default_rng(0)
        x = np.stack([represent(slide, rng) for _, slide in known])
        guess = cross_val_predict(classifier(), x, truth, groups=groups, cv=folds)
        recalls = [(guess[truth == c] == c).mean() for c in np.unique(truth)]
        print(f"{name:32s} balanced accuracy {np.mean(recalls):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tiles", type=Path, help="folder of labelled tiles of the model")
    parser.add_argument("--model", help="default: the embedded model")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--train", type=int, default=60, help="slides")
    parser.add_argument("--test", type=int, default=90, help="slides")
    parser.add_argument("--patches", type=int, default=8, help="per slide")
    parser.add_argument("--same-stain", action="store_true", help="no colour tells the classes")
    parser.add_argument("--cache", type=Path, help="keep the features here")
    parser.add_argument("--against", default="plain mean", choices=REPRESENTATIONS | OF_COMPOSITES)
    parser.add_argument("--cohort", type=Path, help="an encoded cohort instead of composites")
    parser.add_argument("--outcome", default="diagnosis")
    arguments = parser.parse_args()
    if (arguments.tiles is None) == (arguments.cohort is None):
        parser.error("give --tiles or --cohort")
    run_composites(arguments) if arguments.tiles else run_cohort(arguments)


if __name__ == "__main__":
    main()
