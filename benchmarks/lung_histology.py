"""Tell adenocarcinoma from squamous cell carcinoma of the lung by clinical columns and expression.

    python benchmarks/lung_histology.py --data DATA

``DATA/tcga_lung_multipit`` holds the two tables published with multipit: 201 patients of stage III
and IV, 107 empty clinical cells.  Every strategy runs with its default settings.  The score is the
AUROC of out-of-fold chances, five folds stratified by class, mean of three splits; intervals come
from 1,000 draws of patients.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from msfusion_sdk.fusion.estimators.classifier import FusionClassifier
from msfusion_sdk.fusion.strategies.strategies import STRATEGIES, Strategy

Tables = dict[str, pd.DataFrame]
DRAWS = 1000


def print_table(folder: Path) -> None:
    """Print AUROC of adenocarcinoma against squamous cell carcinoma, five folds, 3 repeats."""
    clinical = pd.read_csv(folder / "tcga_lung_clinical.csv", dtype={"bcr_patient_barcode": str})
    rna = pd.read_csv(folder / "tcga_lung_rna.csv", dtype={"bcr_patient_barcode": str})
    clinical = clinical.set_index("bcr_patient_barcode")
    truth = clinical["adeno_vs_squamous"] == 1
    # Outcomes are no inputs, and the class is the question.
    clinical = clinical.drop(columns=["adeno_vs_squamous", "OS", "OS.time"])
    tables = {"clinical": clinical, "rna": rna.set_index("bcr_patient_barcode")}
    print(f"{len(truth)} patients, {truth.sum()} adenocarcinomas")
    print("| tables | strategy | AUROC | 95 % interval |\n|---|---|---|---|")
    for names in (["clinical"], ["rna"], ["clinical", "rna"]):
        chosen = {name: tables[name] for name in names}
        for fusion in STRATEGIES if len(names) > 1 else ["concat"]:
            chances = np.mean([_chances(chosen, truth, fusion, seed) for seed in range(3)], axis=0)  # type: ignore[arg-type]
            low, high = _auroc_interval(truth.to_numpy(), chances)
            auroc = roc_auc_score(truth, chances)
            print(f"| {' + '.join(names)} | {fusion} | {auroc:.3f} | {low:.3f} to {high:.3f} |")


def _chances(tables: Tables, truth: pd.Series, fusion: Strategy, seed: int) -> Any:
    """Return the out-of-fold chance of adenocarcinoma of each patient."""
    chances = pd.Series(np.nan, index=truth.index)
    split = StratifiedKFold(5, shuffle=True, random_state=seed)
    for train, held in split.split(truth, truth):
        ids = [truth.index[rows] for rows in (train, held)]
        parts = [{n: t[t.index.isin(part)] for n, t in tables.items()} for part in ids]
        model = FusionClassifier(
            fusion=fusion, adapters={"rna": "genomics"} if "rna" in tables else None
        )
        found = model.fit(parts[0], truth[ids[0]]).predict_proba(parts[1])[True]
        chances[found.index] = found
    return chances.to_numpy()


def _auroc_interval(truth: Any, chances: Any) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    drawn = [rng.integers(len(truth), size=len(truth)) for _ in range(DRAWS)]
    low, high = np.quantile([roc_auc_score(truth[d], chances[d]) for d in drawn], [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    torch.set_num_threads(1)
    print_table(parser.parse_args().data / "tcga_lung_multipit")


if __name__ == "__main__":
    main()
