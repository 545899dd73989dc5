"""Survival by late fusion on TCGA cohorts, on published folds, beside published figures.

    python benchmarks/tcga_late_fusion.py --data DATA [--seeds 1] [--quick] [--default] [--nested]

``DATA/tcga/<cohort>/`` holds ``clinical``, ``rna``, ``cnv``, ``mut``, ``folds`` and ``wsi_risk`` as
Parquet (a cohort may lack some), as published with PORPOISE and MCAT.  Every strategy runs with its
default settings, the same in all cohorts.  The score is Harrell's C on each of five validation
folds, then their mean; intervals come from 200 draws of patients within the folds, the same draws
for every row, so that the difference from the default strategy on the same tables has one too.
"half rna" takes expression from half of the patients, at fit and at predict; "without rna" from
all of them, which is what the half can be expected to lie above.

The slide table is the published out-of-fold risk of an attention network on slides alone, made
z-scores within each fold, because the risks of different folds come from different networks and
have no common scale.  For the validation fold that uses the other patients of the fold, not their
outcomes.  The risks of training patients come from networks that learned from other folds, the
validation fold too; only the one coefficient of the column could carry something over.
"""

import argparse
import json
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import StratifiedKFold

from msfusion_adapters.genomics import GenomicsAdapter
from msfusion_sdk.fusion.estimators.survival import FusionSurvival
from msfusion_sdk.fusion.strategies.strategies import Base, Strategy
from msfusion_sdk.survival.metrics.concordance import concordance_index

Tables = dict[str, pd.DataFrame]

COHORTS = ("brca", "gbmlgg", "luad", "kirc", "kirp")
OMICS = ("rna", "cnv", "mut")
DECISION: tuple[Strategy, ...] = ("average", "stacking", "product_of_experts")
NETWORKS: tuple[Strategy, ...] = ("gated", "low_rank", "attention")
DRAWS = 200
REFERENCE = [
    ("published MCAT (slide + genes)", (0.580, 0.817, 0.620, None, None)),
    ("published AMIL (slide)", (0.564, 0.787, 0.559, None, None)),
    ("measured: age + sex Cox", (0.627, 0.768, 0.537, 0.621, 0.492)),
    ("measured: 50 components, age, sex, ridge Cox", (0.625, 0.845, 0.624, 0.711, 0.848)),
    ("measured: late z-mean, age + sex, omics", (0.629, 0.846, 0.611, 0.707, 0.735)),
    ("measured: late rank, AMIL, age + sex, omics", (0.636, 0.863, 0.617, None, None)),
]


def load(folder: Path) -> tuple[Tables, pd.DataFrame, pd.Series]:
    """Return tables, outcomes and folds of a cohort, indexed by patient_id."""

    def read(name: str) -> pd.DataFrame:
        return pd.read_parquet(folder / f"{name}.parquet").set_index("patient_id")

    clinical = read("clinical")
    tables = {"clinical": clinical[["age", "sex", "oncotree_code"]]}
    tables |= {name: read(name) for name in OMICS if (folder / f"{name}.parquet").exists()}
    if (folder / "wsi_risk.parquet").exists():
        slide = read("wsi_risk").groupby("fold")["risk"]
        scaled = slide.transform(lambda risk: (risk - risk.mean()) / risk.std(ddof=0))
        tables["slide"] = scaled.to_frame()
    outcome = clinical[["time_months", "event"]].rename(columns={"time_months": "time"})
    return tables, outcome, read("folds")["fold"]


def adapters(tables: Tables) -> dict[str, Any]:
    """Return the adapters of the tables: every gene, signed log, cut at 2 standard deviations."""
    return {name: GenomicsAdapter() for name in OMICS if name in tables}


def risks(
    tables: Tables, outcome: pd.DataFrame, folds: pd.Series, **settings: Any
) -> Iterator[pd.DataFrame]:
    """Yield time, event and predicted risk of each validation fold."""
    for fold in sorted(folds.unique()):
        train, held = folds.index[folds != fold], folds.index[folds == fold]
        model = FusionSurvival(adapters=adapters(tables), **settings)
        model.fit({name: t[t.index.isin(train)] for name, t in tables.items()}, outcome.loc[train])
        risk = model.predict_risk({name: t[t.index.isin(held)] for name, t in tables.items()})
        yield outcome.loc[risk.index].assign(risk=risk)


def concordance(patients: pd.DataFrame) -> float:
    return concordance_index(time=patients["time"], event=patients["event"], risk=patients["risk"])


def bootstrap(folds: list[pd.DataFrame], seed: int = 0) -> list[float]:
    """Return the mean over folds for each draw of patients, events and others drawn apart."""
    rng = np.random.default_rng(seed)
    means = []
    for _ in range(DRAWS):
        drawn = [
            pd.concat(
                [
                    part.iloc[rng.integers(len(part), size=len(part))]
                    for _, part in fold.groupby("event")
                ]
            )
            for fold in folds
        ]
        means.append(float(np.mean([concordance(fold) for fold in drawn])))
    return means


def inner_folds(outcome: pd.DataFrame, folds: pd.Series) -> Iterator[pd.Series]:
    """Yield, for each published fold, five folds of its training patients alone."""
    for fold in sorted(folds.unique()):
        event = outcome["event"][folds != fold]
        inner = pd.Series(0, index=event.index)
        split = StratifiedKFold(5, shuffle=True, random_state=int(fold))
        for number, (_, held) in enumerate(split.split(event, event)):
            inner.iloc[held] = number
        yield inner


class Run(NamedTuple):
    """One row of the table, in one cohort."""

    tables: str
    fusion: Strategy
    base: Base
    seed: int


class Score(NamedTuple):
    """What a run gave in one cohort."""

    cohort: str
    run: Run
    folds: list[float]
    draws: list[float]
    seconds: float


def select(tables: Tables, run: Run) -> Tables | None:
    """Return the tables of a run; None where the cohort lacks one that it is about."""
    if run.tables == "omics + slide":
        return tables if "slide" in tables else None
    chosen = {name: table for name, table in tables.items() if name != "slide"}
    if run.tables == "omics":
        return chosen
    how, name = run.tables.split()
    if name not in chosen:
        return None
    if how == "without":
        return {kept: table for kept, table in chosen.items() if kept != name}
    return {**chosen, name: chosen[name].sample(frac=0.5, random_state=run.seed)}


def score_cohort(data: Path, cohort: str, runs: list[Run], nested: bool) -> list[Score]:
    """Return the scores of all runs in one cohort."""
    tables, outcome, folds = load(data / "tcga" / cohort)
    scores = []
    for run in runs:
        chosen = select(tables, run)
        if chosen is None:
            continue
        start = time.perf_counter()
        settings = {"fusion": run.fusion, "base": run.base, "random_state": run.seed}
        found = [
            patients
            for part in (inner_folds(outcome, folds) if nested else [folds])
            for patients in risks(chosen, outcome, part, **settings)
        ]
        seconds = time.perf_counter() - start
        draws = bootstrap(found) if run.seed == 0 else []
        values = [concordance(fold) for fold in found]
        scores.append(Score(cohort, run, values, draws, seconds))
        print(f"  {cohort}, {' '.join(map(str, run))}: {np.mean(values):.3f}", flush=True)
    return scores


def planned(seeds: int, quick: bool, default: bool) -> list[Run]:
    """Return all runs; a ridge model has no chance in it, so one seed is enough for it."""
    if default:
        return [Run("omics", "concat", "linear", 0)]
    runs = [Run("omics", "concat", "linear", 0), Run("omics + slide", "concat", "linear", 0)]
    runs += [Run("omics", fusion, "linear", 0) for fusion in DECISION]
    runs += [Run("omics + slide", fusion, "linear", 0) for fusion in DECISION]
    given = ("clinical", *OMICS)
    runs += [Run(f"without {name}", "concat", "linear", 0) for name in given]
    for seed in range(seeds):
        runs += [Run(f"half {name}", "concat", "linear", seed) for name in given]
        if not quick:
            runs += [Run("omics", fusion, "linear", seed) for fusion in NETWORKS]
            runs += [Run("omics", "concat", "mlp", seed)]
    return runs


def print_survival(scores: list[Score]) -> None:
    """Print a row per strategy: mean C of each cohort, their mean, and how far from the default.

    The interval and the difference are of the mean over the cohorts that have the row's tables.
    """
    columns = ("tables", "strategy", *COHORTS, "first 3", "all 5", "95 % interval", "minus default")
    print(f"\n| {' | '.join(columns)} |")
    print("|---" * len(columns) + "|")
    kinds = dict.fromkeys(score.run._replace(seed=0) for score in scores)
    draws_of = {(score.cohort, score.run): score.draws for score in scores if score.draws}
    for kind in kinds:
        rows = [score for score in scores if score.run._replace(seed=0) == kind]
        cells = {
            name: [float(np.mean(row.folds)) for row in rows if row.cohort == name]
            for name in COHORTS
        }
        named = [name for name in COHORTS if cells[name]]
        draws = np.mean([draws_of[name, kind] for name in named], axis=0)
        first = kind.tables if kind.tables == "omics + slide" else "omics"
        default = kind._replace(tables=first, fusion="concat", base="linear")
        less = draws - np.mean([draws_of[name, default] for name in named], axis=0)
        shown = ["" if kind == default else _interval(less, signed=True)]
        print(_row(kind, [_cell(cells[n]) for n in COHORTS], cells, [_interval(draws), *shown]))
    for name, values in REFERENCE:
        cells = {c: [] if v is None else [v] for c, v in zip(COHORTS, values, strict=True)}
        print(_row(Run("", name, "", 0), [_cell(cells[c]) for c in COHORTS], cells, ["", ""]))  # type: ignore[arg-type]


def _cell(values: list[float]) -> str:
    if not values:
        return ""
    spread = f" ({min(values):.3f} to {max(values):.3f})" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"


def _interval(draws: np.ndarray, *, signed: bool = False) -> str:
    """Return the 95 % limits of draws; of a difference, which has a sign, its median too."""
    low, middle, high = np.quantile(draws, [0.025, 0.5, 0.975])
    if signed:
        return f"{middle:+.3f} ({low:+.3f} to {high:+.3f})"
    return f"{low:.3f} to {high:.3f}"


def _row(kind: Run, cells: list[str], values: dict[str, list[float]], shown: list[str]) -> str:
    means = [
        f"{np.mean([np.mean(values[name]) for name in names]):.3f}"
        if all(values[name] for name in names)
        else ""
        for names in (COHORTS[:3], COHORTS)
    ]
    columns = [kind.tables, f"{kind.fusion} {kind.base}".strip(), *cells, *means, *shown]
    return f"| {' | '.join(columns)} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=1, help="of networks and of missing halves")
    parser.add_argument("--quick", action="store_true", help="no networks")
    parser.add_argument("--default", action="store_true", help="the default strategy alone")
    parser.add_argument(
        "--nested", action="store_true", help="score inside the training parts, to choose defaults"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write all scores and draws here")
    args = parser.parse_args()
    start, runs = time.perf_counter(), planned(args.seeds, args.quick, args.default)
    with ProcessPoolExecutor(
        args.workers, initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        jobs = [
            pool.submit(score_cohort, args.data, cohort, runs, args.nested) for cohort in COHORTS
        ]
        scores = [score for job in jobs for score in job.result()]
    print_survival(scores)
    print(f"\n{time.perf_counter() - start:.0f} seconds, {args.workers} processes")
    if args.json:
        rows = [{**score._asdict(), "run": score.run._asdict()} for score in scores]
        args.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
