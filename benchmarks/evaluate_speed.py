"""How long an evaluation takes: 1,000 patients, 5,000 genes and 30 clinical columns, five folds.

    python benchmarks/evaluate_speed.py [--patients 1000] [--genes 5000] [--jobs 1 2] [--mlp]

With ``--mlp`` also the fit of ``base="mlp"`` on 10,000 patients and 45 columns.
"""

import argparse
import time
import warnings

import numpy as np
import pandas as pd

from msfusion_sdk import FusionSurvival, evaluate


def made(patients: int, genes: int, columns: int) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Return tables and outcomes."""
    rng = np.random.default_rng(0)
    ids = pd.Index([f"P{number:05d}" for number in range(patients)], name="patient_id")
    tables = {"clinical": pd.DataFrame(rng.normal(size=(patients, columns)), ids).add_prefix("c")}
    if genes:
        tables["genomics"] = pd.DataFrame(rng.normal(size=(patients, genes)), ids).add_prefix("g")
    death = rng.exponential(np.exp(-tables["clinical"]["c0"]))
    last = rng.exponential(2.0, patients)
    y = pd.DataFrame({"time": np.minimum(death, last), "event": death <= last}, ids)
    return tables, y


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--patients", type=int, default=1000)
    parser.add_argument("--genes", type=int, default=5000)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--mlp", action="store_true")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    tables, y = made(args.patients, args.genes, 30)
    for jobs in args.jobs:
        start = time.perf_counter()
        evaluate(FusionSurvival(), tables, y, n_jobs=jobs)
        print(f"evaluate, {jobs} jobs: {time.perf_counter() - start:.1f} s", flush=True)
    if args.mlp:
        tables, y = made(10_000, 0, 45)
        start = time.perf_counter()
        FusionSurvival(base="mlp").fit(tables, y)
        print(f"base='mlp', 10,000 patients, 45 columns: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
