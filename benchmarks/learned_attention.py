"""Attention learned from the outcome alone, beside the plain mean of the patches.

    python benchmarks/learned_attention.py features --tiles FOLDER --features lung.npz
    python benchmarks/learned_attention.py classes --features lung.npz --seeds 3
    python benchmarks/learned_attention.py classes --features v2.npz --part validation
    python benchmarks/learned_attention.py deletion --features lung.npz
    python benchmarks/learned_attention.py survival --patches 100 --apart 3 --step 1.5 --shift 0.3
    python benchmarks/learned_attention.py nothing
    python benchmarks/learned_attention.py numbers
    python benchmarks/learned_attention.py scale --patients 1000 --patches 2000 --jobs 2

``--tiles`` is a folder of labelled tiles as ``msfusion pretrain tiles`` takes it; bags are made of
them, tumour and normal tissue of groups that were kept apart.  Of a model that learned from those
tiles take ``--part validation``: it knows the tiles of ``train`` too well.  What is said of them
holds for bags of tiles, and the made cohorts are drawn from the model that is fitted: both say that
the machinery works, and nothing about patients.
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib.externals.loky import get_reusable_executor  # type: ignore[import-untyped]
from made_bags import KINDS, NORMAL, Tiles, draw_cohort, tile_features
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import balanced_accuracy_score, r2_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from msfusion_adapters.patches import PatchesAdapter
from msfusion_sdk import FusionClassifier, FusionRegressor, FusionSurvival, evaluate
from msfusion_sdk.bags import HEADS, Bag, SlidePatches, bag_table
from msfusion_sdk.bags.heads import Head
from msfusion_sdk.bags.tables import mean_table
from msfusion_sdk.fusion.estimators.patch_shares import OneBag

SELF, CHILDREN = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
TEST = 200
REMOVED = 0.1


def classes(options: argparse.Namespace) -> None:
    """Print how well two kinds of tumour are told apart, by tumour share and training slides."""
    tiles = Tiles(np.load(options.features))
    evidence = _evidence(tiles, options.part)
    rows = []
    for seed in range(options.seeds):
        for share in options.shares:
            rng = np.random.default_rng([seed, round(1000 * share), options.patches])
            new, truth = _bags(tiles, "test", TEST, options.patches, share, rng)
            pool, known = _bags(
                tiles, options.part, max(options.slides), options.patches, share, rng
            )
            for count in options.slides:
                learn, labels = dict(list(pool.items())[:count]), known.iloc[:count]
                row = {"share": share, "slides": count, "seed": seed}
                row |= _judged(learn, labels, new, truth, evidence, options.heads)
                print(row, flush=True)
                rows.append(row)
    table = pd.DataFrame(rows).drop(columns="seed").groupby(["share", "slides"]).mean()
    print(f"\n{options.seeds} seeds, {TEST} test slides of {options.patches} tiles each")
    print(table.round(3).to_string())


def _bags(
    tiles: Tiles, part: str, count: int, size: int, share: float, rng: np.random.Generator
) -> tuple[dict[str, Any], "pd.Series[str]"]:
    ids = [f"{part}{number:04d}" for number in range(count)]
    kinds = [KINDS[number % 2] for number in range(count)]
    bags = {i: tiles.bag(part, k, size, share, rng) for i, k in zip(ids, kinds, strict=True)}
    return bags, pd.Series(kinds, ids)


def _evidence(tiles: Tiles, part: str) -> Any:
    """Return how a head on labelled tiles weighs a bag: what slide labels alone have to reach."""
    train = tiles.parts == part
    head = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    head.fit(tiles.vectors[train], tiles.classes[train])
    place = list(head.classes_).index(NORMAL)

    def weighed(vectors: Any) -> Any:
        weights = 1 - head.predict_proba(vectors)[:, place] + 1e-3
        return weights @ vectors / weights.sum()

    return weighed


def _judged(
    learn: dict[str, Any], y: Any, new: dict[str, Any], truth: Any, evidence: Any, heads: list[Head]
) -> dict[str, float]:
    def accuracy(model: FusionClassifier, name: str, train: Any, test: Any) -> float:
        found = model.fit({name: train}, y).predict({name: test})
        return float(balanced_accuracy_score(truth, found[truth.index]))

    mean = [mean_table(bag_table(bags)) for bags in (learn, new)]
    weighed = [pd.DataFrame({p: evidence(b) for p, b in bags.items()}).T for bags in (learn, new)]
    for table in weighed:
        table.columns = mean[0].columns
    found = {
        "mean": accuracy(FusionClassifier(), "slide", *mean),
        "evidence": accuracy(FusionClassifier(), "slide", *weighed),
    }
    for head in heads:
        model = FusionClassifier(adapters={"patches": PatchesAdapter(head=head)})
        found[head] = accuracy(model, "patches", bag_table(learn), bag_table(new))
    return found


def survival(options: argparse.Namespace) -> None:
    """Print concordance where the risk is written in a twentieth of the patches."""
    planting = {"apart": options.apart, "step": options.step, "shift": options.shift}
    tables, y, _, planted = draw_cohort(options.patients or 300, options.patches, 0, **planting)
    censored = 1 - y["event"].mean()
    print(f"{len(y)} patients, {censored:.0%} censored, {options.patches} patches each")
    print(evaluate(FusionSurvival(), tables, y, folds=5).to_text(110), flush=True)
    learn, new = y.index[::2], y.index[1::2]
    bags = tables["patches"]["patches"]
    adapter = PatchesAdapter().fit(tables["patches"].loc[learn], y.loc[learn])
    weights = {name: adapter.attention_.judge(bags[name].read()).weights for name in new}
    found = [roc_auc_score(planted[name], weights[name]) for name in new]
    print(
        f"attention on {len(found)} patients it did not learn from finds the planted patches: "
        f"AUROC {np.mean(found):.3f}, the worst {min(found):.3f}"
    )


def nothing(options: argparse.Namespace) -> None:
    """Print the gain over the mean where slides tell nothing, in ten cohorts."""
    for seed in range(10):
        made = draw_cohort(options.patients or 150, 50, seed, effect=0.0)
        result = evaluate(
            FusionSurvival(), {"patches": made.tables["patches"]}, made.survival, folds=3
        )
        steps = result.differences
        is_mean = (steps["model"] == "patches by mean") & (steps["metric"] == "c_index")
        gain, lower, upper = steps.loc[is_mean, ["difference", "lower", "upper"]].iloc[0]
        told = "" if lower <= 0 <= upper else ", excludes 0"
        print(f"draw {seed}: gain {gain:+.3f} ({lower:+.3f} to {upper:+.3f}){told}", flush=True)


def numbers(options: argparse.Namespace) -> None:
    """Print R² of a number in a twentieth of the patches, and scikit-learn's on the mean vector."""
    made = draw_cohort(options.patients or 300, options.patches, 0)
    truth = made.risk + 0.3 * np.random.default_rng(0).normal(size=len(made.risk))
    bags = made.tables["patches"]
    result = evaluate(FusionRegressor(), {"patches": bags}, truth, folds=5)
    print(result.to_text(110))
    mean, scores = mean_table(bags), []
    for fold in result.folds:
        train, test = list(fold.train_ids), list(fold.test_ids)
        ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 25)))
        ridge.fit(mean.loc[train], truth[train])
        scores.append(r2_score(truth[test], ridge.predict(mean.loc[test])))
    print(f"scikit-learn's RidgeCV on the mean vector, the same folds: R² {np.mean(scores):.3f}")


def deletion(options: argparse.Namespace) -> None:
    """Print whether the patches that a map points at move the score more than others do."""
    tiles, rng = Tiles(np.load(options.features)), np.random.default_rng(0)
    learn, y = _bags(tiles, "train", 100, 64, 0.15, rng)
    new, _ = _bags(tiles, "test", 50, 64, 0.15, rng)
    model = FusionClassifier().fit({"patches": bag_table(learn)}, y)
    moved, off = [], []
    for patient in new:
        one = OneBag(model.fitted_, {"patches": bag_table(new)}, patient)
        found = one.shares()
        off.append(np.abs(found.shares.sum(0) - (found.score - found.baseline)).max())
        share = found.shares[:, 1] - found.shares[:, 0]
        count = round(REMOVED * len(share))
        kept = np.ones((21, len(share)), bool)
        kept[0, np.argsort(-np.sign(share.sum()) * share)[:count]] = False
        for draw in kept[1:]:
            draw[rng.permutation(len(share))[:count]] = False
        changes = [np.abs(np.subtract(*(one.score_of(k) - found.score)[::-1])) for k in kept]
        moved.append((changes[0], np.mean(changes[1:])))
    strongest, chance = np.transpose(moved)
    print(f"{len(new)} bags: contributions sum to score less baseline within {max(off):.1e}")
    print(
        f"without the strongest tenth the log-odds move by {strongest.mean():.2f}, without a tenth "
        f"by chance by {chance.mean():.2f}; more in {(strongest > chance).sum()} bags"
    )


def scale(options: argparse.Namespace) -> None:
    """Print seconds and memory of five folds on bags that lie on disk in half precision.

    With ``--jobs 2`` the folds run in two processes: memory is then at most twice the larger one's,
    beside that of this process.
    """
    patients, patches = options.patients or 1000, options.patches
    rng = np.random.default_rng(0)
    ids = [f"P{number:04d}" for number in range(patients)]
    y = pd.Series(np.resize(["a", "b"], patients), ids)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        block = rng.normal(size=(patches, 1024)).astype(np.float16)
        bags = {}
        for place, name in enumerate(ids):
            path = Path(folder) / f"{name}.npy"
            np.save(path, np.roll(block, place, axis=0) + np.float16(0.02 * (place % 2)))
            bags[name] = Bag((SlidePatches(name, path),))
        start, worked = time.perf_counter(), time.process_time()
        result = evaluate(
            FusionClassifier(),
            {"patches": bag_table(bags)},
            y,
            baselines=False,
            bootstrap=0,
            n_jobs=options.jobs,
        )
        seconds, worked = time.perf_counter() - start, time.process_time() - worked
    if options.jobs > 1:
        # What processes used is known when they have ended.
        get_reusable_executor().shutdown(wait=True)
    own, others = (resource.getrusage(who) for who in (SELF, CHILDREN))
    peak = (own.ru_maxrss + (options.jobs > 1) * options.jobs * others.ru_maxrss) / 2**20
    print(
        f"{patients} patients, {patches} patches of 1024: five folds in {seconds:.0f} s, "
        f"{worked + others.ru_utime + others.ru_stime:.0f} s of a processor, peak {peak:.2f} GiB, "
        f"AUROC {result.summary['mean'].iloc[0]:.2f}; load {os.getloadavg()[1]:.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    runs = {"classes": classes, "survival": survival, "nothing": nothing, "numbers": numbers,
            "deletion": deletion, "scale": scale}  # fmt: skip
    parser.add_argument("run", choices=["features", *runs])
    parser.add_argument("--tiles", type=Path)
    parser.add_argument("--model", default="general-v1")
    parser.add_argument("--features", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.02, 0.05, 0.15, 0.5])
    parser.add_argument("--slides", type=int, nargs="+", default=[50, 100, 200])
    parser.add_argument("--part", default="train", help="of the tiles, for the bags to learn from")
    parser.add_argument("--heads", nargs="+", default=["gated"], choices=HEADS)
    parser.add_argument("--patients", type=int)
    parser.add_argument("--patches", type=int, default=64)
    parser.add_argument("--apart", type=float, default=4.0, help="of survival: see made_bags.py")
    parser.add_argument("--step", type=float, default=2.0)
    parser.add_argument("--shift", type=float, default=0.1)
    parser.add_argument("--jobs", type=int, default=1, help="processes of scale")
    parser.add_argument("--folder", type=Path, help="for the bags of scale; has room for them")
    options = parser.parse_args()
    if options.run == "features":
        tile_features(options.tiles, options.model, options.features)
    else:
        runs[options.run](options)


if __name__ == "__main__":
    main()
