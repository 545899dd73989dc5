"""What the priors that the data choose are worth: noise columns, sparse tables, curves, projects.

    python benchmarks/fusion_priors.py {noise,sparse,slopes,projects} [--data DATA] [--seeds N]

``noise``     twenty columns of noise beside five clinical ones, n 300: what they cost.
``sparse``    a wide table that 10 to 50 % of the patients have, from no signal to a strong one:
              fusion minus its best part (the model without the table, or a whole table alone), on
              new patients.  With ``--data``, also expression of TCGA cohorts, kept for such shares.
``slopes``    calibration slope of survival curves on 2,000 new patients; 1 is right.
``projects``  10,000 patients of 33 projects with hazards of their own, ages and gaps, beside the
              one-hot Cox model of lifelines.

Scores are Harrell's C on patients that nothing was learned from.
"""

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter

from msfusion_sdk.fusion.estimators.survival import FusionSurvival
from msfusion_sdk.survival.cox.cox import fit_cox
from msfusion_sdk.survival.metrics.concordance import concordance_index

Tables = dict[str, pd.DataFrame]


class Made(NamedTuple):
    """Patients to learn from, and others."""

    train: Tables
    y: pd.DataFrame
    new: Tables
    new_y: pd.DataFrame

    def without(self, name: str) -> "Made":
        """Return the same patients without one table."""
        return Made(_without(self.train, name), self.y, _without(self.new, name), self.new_y)

    def only(self, name: str) -> "Made":
        """Return the same patients with one table."""
        return Made({name: self.train[name]}, self.y, {name: self.new[name]}, self.new_y)


def _without(tables: Tables, name: str) -> Tables:
    return {other: table for other, table in tables.items() if other != name}


def split(tables: Tables, score: np.ndarray, n: int, rng: np.random.Generator) -> Made:
    """Return patients whose hazard is ``exp(score)``, the first ``n`` to learn from."""
    death = rng.exponential(np.exp(-score))
    last = rng.exponential(1.5 * np.quantile(death, 0.7), len(death))
    ids = pd.Index([f"P{number:05d}" for number in range(len(score))], name="patient_id")
    y = pd.DataFrame({"time": np.minimum(death, last), "event": death <= last}).set_axis(ids)
    whole = {name: table.set_axis(ids[table.index]) for name, table in tables.items()}
    train = {name: table[table.index.isin(ids[:n])] for name, table in whole.items()}
    new = {name: table[table.index.isin(ids[n:])] for name, table in whole.items()}
    return Made(train, y[:n], new, y[n:])


def score(made: Made) -> float:
    """Return the concordance of the default model on new patients."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        risk = FusionSurvival().fit(made.train, made.y).predict_risk(made.new)
    y = made.new_y.loc[risk.index]
    return concordance_index(time=y["time"], event=y["event"], risk=risk)


def noise(seeds: int, _: Path | None) -> None:
    """Print what twenty noise columns cost."""
    rows = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        table = pd.DataFrame(rng.normal(size=(1300, 25))).add_prefix("c")
        told = table.iloc[:, :5].to_numpy() @ [0.6, 0.4, 0.3, 0.2, 0.1]
        noisy = split({"clinical": table}, told, 300, rng)
        clean = [{"clinical": each["clinical"].iloc[:, :5]} for each in (noisy.train, noisy.new)]
        rows.append((score(Made(clean[0], noisy.y, clean[1], noisy.new_y)), score(noisy)))
    clean_c, noisy_c = np.mean(rows, axis=0)
    print(f"5 columns {clean_c:.3f}, 20 of noise more {noisy_c:.3f}: {noisy_c - clean_c:+.3f}")


def made_sparse(n: int, coverage: float, signal: float, seed: int) -> Made:
    """Return clinical columns and expression of everybody, and vectors of some."""
    rng = np.random.default_rng(seed)
    total = n + 600
    clinical = rng.normal(size=(total, 5))

    def wide() -> tuple[np.ndarray, np.ndarray]:
        hidden = rng.normal(size=(total, 5))
        loud = hidden @ rng.normal(size=(5, 200))
        return hidden[:, 0], loud + np.sqrt(5) * rng.normal(size=(total, 200))

    (gene, genes), (pattern, vectors) = wide(), wide()
    told = clinical @ [0.8, 0.5, 0.25, 0.0, 0.0] + 0.7 * gene + signal * pattern
    kept = np.concatenate([rng.permutation(n)[: round(coverage * n)], np.arange(n, total)])
    kept = kept[(kept < n) | (rng.random(len(kept)) < coverage)]
    tables = {
        "clinical": pd.DataFrame(clinical).add_prefix("c"),
        "genomics": pd.DataFrame(genes).add_prefix("g"),
        "slide": pd.DataFrame(vectors).add_prefix("v").iloc[np.sort(kept)],
    }
    return split(tables, told, n, rng)


def tcga_sparse(data: Path, cohort: str, coverage: float, fold: int) -> Made:
    """Return age, sex, code and mutations of a cohort, and expression of some patients."""

    def read(name: str) -> pd.DataFrame:
        return pd.read_parquet(data / "tcga" / cohort / f"{name}.parquet").set_index("patient_id")

    clinical, folds = read("clinical"), read("folds")["fold"]
    tables = {
        "clinical": clinical[["age", "sex", "oncotree_code"]],
        "genomics": read("mut"),
        "expression": read("rna").sample(frac=coverage, random_state=fold),
    }
    y = clinical[["time_months", "event"]].rename(columns={"time_months": "time"})
    held = folds.index[folds == fold]
    sides = [
        {name: table[table.index.isin(held) == is_new] for name, table in tables.items()}
        for is_new in (False, True)
    ]
    return Made(sides[0], y[~y.index.isin(held)], sides[1], y[y.index.isin(held)])


def sparse(seeds: int, data: Path | None) -> None:
    """Print fusion minus its best part for each setting, and the mean."""
    losses = []
    for n in (60, 150, 300):
        for coverage in (0.1, 0.3, 0.5):
            for signal in (0.0, 0.5, 1.0, 2.0):
                each = [made_sparse(n, coverage, signal, seed) for seed in range(seeds)]
                losses.append(_loss(f"made {n:3d} {coverage:.0%} signal {signal:g}", each, "slide"))
    for cohort in ("kirc", "luad") if data else ():
        for coverage in (0.1, 0.2, 0.35, 0.5):
            real = [tcga_sparse(data, cohort, coverage, fold) for fold in range(5)] if data else []
            losses.append(_loss(f"{cohort} {coverage:.0%}", real, "expression"))
    mean, worst = np.mean(losses), min(losses)
    print(
        f"{len(losses)} settings: {mean:+.4f} against the best part on average, worst {worst:+.3f}"
    )


def _loss(name: str, settings: list[Made], table: str) -> float:
    fused = float(np.mean([score(each) for each in settings]))
    parts = {"without": float(np.mean([score(each.without(table)) for each in settings]))}
    for other in _without(settings[0].train, table):
        parts[other] = float(np.mean([score(each.only(other)) for each in settings]))
    best = max(parts.values())
    shown = ", ".join(f"{part} {value:.3f}" for part, value in parts.items())
    print(f"  {name}: fusion {fused:.3f} ({shown}): {fused - best:+.3f}", flush=True)
    return fused - best


def slopes(seeds: int, _: Path | None) -> None:
    """Print the median calibration slope for many columns."""
    for n, columns in ((100, 30), (300, 100)):
        found = []
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            table = pd.DataFrame(rng.normal(size=(n + 2000, columns))).add_prefix("c")
            told = table.iloc[:, :5].to_numpy() @ [0.6, 0.5, 0.4, 0.3, 0.2]
            made = split({"panel": table}, told, n, rng)
            model = FusionSurvival().fit(made.train, made.y)
            curve = model.predict_survival(made.new, [made.y["time"].median()]).iloc[:, 0]
            spread = np.log(-np.log(curve.clip(1e-9, 1 - 1e-9).to_numpy()))[:, None]
            time, event = made.new_y["time"], made.new_y["event"]
            found.append(fit_cox(spread, time=time, event=event, penalty=0).coef[0])
        low, middle, high = np.quantile(found, [0.25, 0.5, 0.75])
        print(f"n {n} p {columns}: median slope {middle:.2f} (quartiles {low:.2f} to {high:.2f})")


def projects(seeds: int, _: Path | None) -> None:
    """Print the concordance beside that of lifelines."""
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        share = rng.dirichlet(np.full(33, 0.7))
        project = rng.choice(33, 12_000, p=share)
        age, sex = rng.normal(60, 12, 12_000), rng.integers(0, 2, 12_000)
        told = rng.normal(0, 0.9, 33)[project] + 0.04 * (age - 60) + 0.2 * sex
        age[rng.random(12_000) < 0.1] = np.nan
        table = pd.DataFrame(
            {"age": age.round(), "sex": np.where(sex, "M", "F"), "project": project.astype(str)}
        )
        table["project"] = "TCGA-" + table["project"]
        made = split({"clinical": table}, told, 10_000, rng)
        print(f"seed {seed}: {score(made):.4f}, lifelines one-hot {_one_hot(made):.4f}", flush=True)


def _one_hot(made: Made) -> float:
    both = pd.concat([made.train["clinical"], made.new["clinical"]])
    age = both["age"].fillna(made.train["clinical"]["age"].median())
    columns = pd.get_dummies(both[["sex", "project"]], dtype=float).assign(
        age=age, gap=both["age"].isna().astype(float)
    )
    fitter = CoxPHFitter(penalizer=1e-4).fit(
        columns.loc[made.y.index].join(made.y), "time", "event"
    )
    risk = columns.loc[made.new_y.index] @ fitter.params_
    return concordance_index(time=made.new_y["time"], event=made.new_y["event"], risk=risk)


PARTS: dict[str, Callable[[int, Path | None], None]] = {
    "noise": noise,
    "sparse": sparse,
    "slopes": slopes,
    "projects": projects,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    PARTS[args.part](args.seeds, args.data)


if __name__ == "__main__":
    main()
