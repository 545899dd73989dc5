"""Make the files of this folder; run with the version whose promises they keep (see PROVENANCE.md)."""

import json
import shutil
import sys
import warnings
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from msfusion_sdk import Cohort, FusionClassifier, FusionSurvival, SlideEncoder, open_slide
from msfusion_sdk.fusion.strategies import STRATEGIES
from msfusion_sdk.report.cohort_models import evaluate_on_cohort, predict_on_cohort, time_unit
from msfusion_sdk.report.cohort_training import train_on_cohort
from msfusion_sdk.report.evaluation_folder import write_evaluation
from msfusion_sdk.testing import make_slide
from msfusion_sdk.testing.cohort import make_cohort

warnings.simplefilter("ignore")


def _picture(path: Path, width: int, tissue: str) -> None:
    """Write a small JPEG: what a slide of 600 pixels in height shows at 0.5 µm per pixel."""
    slide = make_slide(path.with_suffix(".svs"), width, 600, mpp=0.5, tissue=tissue, downsamples=(1,))
    with open_slide(slide) as opened:
        pixels = opened.read((0, 0), 0, (width, 600)).pixels
    cv2.imwrite(str(path), pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 60])
    slide.unlink()


def main(out: Path) -> None:
    slides = out / "slides"
    slides.mkdir(parents=True)
    for name, width, tissue in (("one", 600, "full"), ("two", 1180, "full"), ("blank", 700, "none")):
        _picture(slides / f"{name}.jpg", width, tissue)
    tables = make_cohort(out / "tables", n_patients=40, n_slides=0)
    listed = pd.DataFrame(
        {
            "slide_id": ["one", "two", "blank", "gone"],
            "patient_id": ["P001", "P001", "P002", "P003"],
            "path": [str(slides / f"{n}.jpg") for n in ("one", "two", "blank", "gone")],
            "mpp": [0.5, 0.5, 0.5, 0.5],
        }
    )
    cohort = Cohort.create(out / "cohort", patients=tables.patients, slides=listed)
    cohort.add_modality("clinical", tables.clinical)
    cohort.add_modality("genomics", tables.genomics)
    encoder = SlideEncoder.from_pretrained(device="cpu", precision="fp32")
    cohort.encode(encoder, patches=True)
    encoder.encode(slides / "one.jpg", mpp=0.5).to_parquet(out / "one.parquet")
    encoder.encode(slides / "one.jpg", mpp=0.5).to_geojson(out / "one.geojson")

    for outcome in ("survival", "diagnosis"):
        train_on_cohort(cohort, outcome, out / f"model_{outcome}", modalities=["clinical", "genomics"])
        predict_on_cohort(cohort, out / f"model_{outcome}").to_csv(out / f"predicted_{outcome}.csv")
    evaluation = evaluate_on_cohort(
        cohort, "survival", folds=2, bootstrap=20, modalities=["clinical", "genomics"]
    )
    write_evaluation(evaluation, out / "evaluation", unit=time_unit(cohort, "survival"), command="made")
    for figure in (out / "evaluation").glob("*.png"):
        figure.unlink()

    for level in ("patient", "slide"):
        cohort.export(out / f"export_{level}.parquet", level=level)
    packed = out / "cohort_packed"
    shutil.copytree(out / "cohort", packed)
    shutil.rmtree(packed / "patches")
    Cohort.open(packed).compact()

    # Every strategy, with slide vectors among the tables: the numbers each predicts.
    rng = np.random.default_rng(7)
    ids = pd.Index([f"Q{n:02d}" for n in range(40)], name="patient_id")
    lean = rng.normal(size=40)
    X = {
        "clinical": pd.DataFrame({"age": (60 + 9 * lean + rng.normal(size=40)).round(1), "stage": rng.choice(["I", "II", "III"], 40)}, ids),
        "slide": pd.DataFrame(lean[:, None] + rng.normal(size=(40, 6)), ids, [f"vector_{i:04d}" for i in range(6)]).iloc[5:],
    }
    (out / "inputs").mkdir()
    for name, table in X.items():
        table.to_csv(out / "inputs" / f"{name}.csv")
    died, left = rng.exponential(np.exp(-lean)), rng.exponential(2, 40)
    y = pd.DataFrame({"time": np.minimum(died, left), "event": died <= left}, ids)
    classes = pd.Series(np.where(lean + rng.normal(size=40) > 0, "b", "a"), ids)
    y.to_csv(out / "inputs" / "y.csv")
    classes.to_csv(out / "inputs" / "classes.csv")
    for fusion in STRATEGIES:
        model = FusionSurvival(fusion=fusion).fit(X, y)
        model.save(out / "strategies" / f"survival_{fusion}")
        model.predict_risk(X).to_csv(out / "strategies" / f"survival_{fusion}.csv")
        model = FusionClassifier(fusion=fusion).fit(X, classes)
        model.save(out / "strategies" / f"classes_{fusion}")
        model.predict_proba(X).to_csv(out / "strategies" / f"classes_{fusion}.csv")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
