"""Survival and diagnosis from slides, clinical columns and expression of a composite cohort.

    python benchmarks/composite_fusion.py --composite FOLDER --cohort FOLDER [--workers 2]

``--composite`` is a folder with ``patients.csv``, ``slides.csv``, ``clinical.csv`` and
``expression.csv`` whose slides are mosaics of real tiles; what is said of it holds for composites.
``--cohort`` is made there, its slides are encoded by the embedded model, and a second run goes on
where the first one ended.  Every model has its default settings, five folds by patient, three
seeds, intervals of the first.  The embedded model may have been trained on tiles of the composite.
"""

import argparse
from pathlib import Path

import pandas as pd

from msfusion_sdk import Cohort, FusionClassifier, FusionSurvival, SlideEncoder, evaluate

OUTCOMES = {
    "survival": (FusionSurvival, "c_index"),
    "diagnosis": (FusionClassifier, "balanced_accuracy"),
}


def make_cohort(composite: Path, folder: Path, workers: int) -> Cohort:
    """Return the cohort of a composite folder with all slides encoded."""
    if not folder.exists():
        tables = {name: composite / f"{name}.csv" for name in ("patients", "slides")}
        cohort = Cohort.create(folder, **tables)  # type: ignore[arg-type]
        for name in ("clinical", "expression"):
            cohort.add_modality(name, composite / f"{name}.csv")
    cohort = Cohort.open(folder)
    run = cohort.encode(SlideEncoder.from_pretrained(), workers=workers)
    print(f"{len(run.statuses)} slides {run.counts}, {run.patches} patches in {run.seconds:.0f} s")
    return cohort


def scores(cohort: Cohort, outcome: str, seeds: int) -> pd.DataFrame:
    """Return the score of the fused model and of every baseline, by seed."""
    estimator, metric = OUTCOMES[outcome]
    columns = {}
    for seed in range(seeds):
        result = evaluate(
            estimator(adapters={"expression": "genomics"}),
            cohort.tables(),
            cohort.outcome(outcome),
            random_state=seed,
        )
        rows = result.summary[result.summary["metric"] == metric].set_index("model")
        columns[f"seed {seed}"] = rows["mean"]
        if seed == 0:
            columns |= {"lower": rows["lower"], "upper": rows["upper"]}
    return pd.DataFrame(columns)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--composite", type=Path, required=True)
    parser.add_argument("--cohort", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    cohort = make_cohort(arguments.composite, arguments.cohort, arguments.workers)
    print(cohort.completeness().to_string(index=False))
    for outcome, (_, metric) in OUTCOMES.items():
        table = scores(cohort, outcome, arguments.seeds)
        print(f"\n{outcome}, {len(cohort.outcome(outcome))} patients, {metric}")
        print(table.round(3).to_string())


if __name__ == "__main__":
    main()
