"""What a page of the docs finds in its folder: slides and tables of the reader, and earlier work.

Each function fills a folder of its own.  A page gets copies of those that it needs, so no page
depends on another one.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from msfusion_sdk import Cohort, SlideEncoder
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.study.evaluation_folder import write_evaluation
from msfusion_sdk.study.models import evaluate_on_cohort
from msfusion_sdk.study.train import train_on_cohort
from msfusion_sdk.testing import make_slide

__all__ = ["STATES"]


def case(folder: Path) -> None:
    """``case.svs``: a slide of the reader, of four patches."""
    make_slide(folder / "case.svs", 2400, 1800, coverage=0.6)


def results(folder: Path) -> None:
    """``results``: the patches of ``case.svs`` as outlines, as ``msfusion encode`` leaves them."""
    case(folder)
    (folder / "results").mkdir()
    result = SlideEncoder.from_pretrained().encode(folder / "case.svs")
    result.to_geojson(folder / "results" / "case.geojson")


def outlined(folder: Path) -> None:
    """``outlined.csv`` and ``outlines``: three patients with a slide of two patches each.

    The left patch is outlined as Tumor.
    """
    (folder / "outlines").mkdir()
    left = [[0, 0], [1152, 0], [1152, 1152], [0, 1152], [0, 0]]
    outline = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [left]},
        "properties": {"objectType": "annotation", "classification": {"name": "Tumor"}},
    }
    rows = ["slide_id,patient_id,path"]
    for number in range(3):
        make_slide(folder / f"s{number}.svs", 2400, 1200, tissue="full", seed=number)
        (folder / "outlines" / f"s{number}.geojson").write_text(json.dumps([outline]))
        rows.append(f"s{number},p{number},s{number}.svs")
    (folder / "outlined.csv").write_text("\n".join(rows) + "\n")


def lab(folder: Path) -> None:
    """``lab``: ten slides of one patch each, of as many patients and two diagnoses."""
    (folder / "lab").mkdir()
    rows = ["slide_id,patient_id,path,diagnosis"]
    for number in range(10):
        name = f"lab-{number}"
        # Two textures in ten sizes: drawing a texture takes a second.
        width, seed = 1300 + 8 * number, number % 2
        make_slide(folder / "lab" / f"{name}.svs", width, 1300, tissue="full", seed=seed)
        rows.append(f"{name},patient-{number},{name}.svs,{('luad', 'lusc')[number % 2]}")
    (folder / "lab" / "slides.csv").write_text("\n".join(rows) + "\n")


def cohort(folder: Path) -> None:
    """``cohort``: four patients with outcomes, a table of three, and a slide that is encoded."""
    case(folder)
    ids = ["0012", "0013", "0014", "0015"]
    patients = pd.DataFrame(
        {
            "patient_id": ids,
            "diagnosis": ["luad", "lusc", "luad", "lusc"],
            "time_months": [14.5, 30.0, 8.2, 22.1],
            "event": [1, 0, 1, 0],
        }
    )
    slides = pd.DataFrame(
        {"slide_id": ["S1"], "patient_id": ids[:1], "path": [str(folder / "case.svs")]}
    )
    made = Cohort.create(folder / "cohort", patients=patients, slides=slides)
    made.add_modality("clinical", pd.DataFrame({"patient_id": ids[:3], "age": [61, 70, 58]}))
    encoder = SlideEncoder.from_pretrained()
    store = EmbeddingStore(made.root, encoder.fingerprint)
    store.prepare()
    store.commit(encoder.encode(folder / "case.svs", slide_id="S1"))


def study(folder: Path) -> None:
    """``study``: a cohort of 40 patients without slides, a model of it, and an evaluation."""
    rng = np.random.default_rng(0)
    ids = [f"P{number:02d}" for number in range(40)]
    age = rng.normal(60, 9, 40)
    death, left = rng.exponential(30 * np.exp((60 - age) / 6)), rng.uniform(6, 90, 40)
    patients = pd.DataFrame(
        {
            "patient_id": ids,
            "time_months": np.minimum(death, left) + 0.1,
            "event": (death <= left).astype(int),
            "diagnosis": np.where(age + rng.normal(0, 4, 40) > 60, "luad", "lusc"),
        }
    )
    made = Cohort.create(folder / "study" / "cohort", patients=patients)
    made.add_modality("clinical", pd.DataFrame({"patient_id": ids, "age": age.round()}))
    train_on_cohort(made, "survival", folder / "study" / "model")
    evaluation = evaluate_on_cohort(made, "diagnosis", folds=2, bootstrap=20)
    write_evaluation(evaluation, folder / "study" / "judged")


def deployed(folder: Path) -> None:
    """``lab``, with a cohort of its slides that the embedded model has encoded."""
    lab(folder)
    slides = pd.read_csv(folder / "lab" / "slides.csv", dtype=str)
    paths = [str(folder / "lab" / path) for path in slides["path"]]
    made = Cohort.create(
        folder / "lab" / "cohort",
        patients=slides[["patient_id", "diagnosis"]],
        slides=slides.drop(columns="diagnosis").assign(path=paths),
    )
    encoder = SlideEncoder.from_pretrained()
    store = EmbeddingStore(made.root, encoder.fingerprint)
    store.prepare()
    for name, path in zip(slides["slide_id"], paths, strict=True):
        store.commit(encoder.encode(path, slide_id=name))


def external(folder: Path) -> None:
    """``external``: a model of survival of 80 patients, and a cohort of 80 others."""
    for seed, where in enumerate(("training", "cohort")):
        rng = np.random.default_rng(seed)
        ids = [f"{where[0]}{number:02d}" for number in range(80)]
        age = rng.normal(60, 9, 80)
        death, left = rng.exponential(30 * np.exp((60 - age) / 6)), rng.uniform(6, 90, 80)
        rows = {
            "patient_id": ids,
            "time_months": np.minimum(death, left) + 0.1,
            "event": (death <= left).astype(int),
            "sex": rng.choice(["f", "m"], 80),
        }
        made = Cohort.create(folder / "external" / where, patients=pd.DataFrame(rows))
        made.add_modality("clinical", pd.DataFrame({"patient_id": ids, "age": age.round()}))
    train_on_cohort(
        Cohort.open(folder / "external" / "training"), "survival", folder / "external" / "model"
    )


def portal(folder: Path) -> None:
    """A study of cBioPortal: its tables, and patch features of its slides."""
    rng = np.random.default_rng(0)
    ids = [f"TCGA-AB-{number:04d}" for number in range(40)]
    age, months = rng.integers(40, 85, 40), rng.uniform(3, 80, 40).round(1)
    head = [
        "#Patient Identifier\tSex\tAge\tMonths\tStatus",
        "#STRING\tSTRING\tNUMBER\tNUMBER\tSTRING",
    ]
    rows = [
        f"{name}\t{'MF'[i % 2]}ale\t{age[i]}\t{months[i]}\t{('0:LIVING', '1:DECEASED')[i // 2 % 2]}"
        for i, name in enumerate(ids)
    ]
    lines = [*head, "PATIENT_ID\tSEX\tAGE\tOS_MONTHS\tOS_STATUS", *rows]
    (folder / "data_clinical_patient.txt").write_text("\n".join(lines).replace("Fale", "Female"))
    samples = [f"{name}-01" for name in ids]
    expression = pd.DataFrame(rng.normal(size=(30, 40)).round(3), columns=samples)
    expression.insert(0, "Hugo_Symbol", [f"GENE{number}" for number in range(30)])
    expression.to_csv(folder / "data_mrna_seq_v2_rsem_zscores.txt", sep="\t", index=False)
    mutations = pd.DataFrame({"Tumor_Sample_Barcode": samples})
    mutations.insert(0, "Hugo_Symbol", [f"GENE{number % 5}" for number in range(40)])
    mutations.insert(1, "Variant_Classification", "Missense_Mutation")
    mutations.to_csv(folder / "data_mutations.txt", sep="\t", index=False)
    (folder / "features").mkdir()
    slides = pd.DataFrame({"slide_id": [f"{name}-01Z-00-DX1" for name in ids[:30]]})
    slides.assign(patient_id=ids[:30]).to_csv(folder / "slides.csv", index=False)
    for name in slides["slide_id"]:
        with h5py.File(folder / "features" / f"{name}.h5", "w") as file:
            file["features"] = rng.normal(size=(20, 32)).astype("f4")
            file["coords"] = rng.integers(0, 50, (20, 2)) * 512


def tissue(folder: Path) -> None:
    """``CMU-1-Small-Region.svs``: a scan of skin, where real data lie beside the repository."""
    scan = Path(__file__).parents[2] / "shared" / "data" / "slides" / "CMU-1-Small-Region.svs"
    if not scan.is_file():
        pytest.skip("../shared is not there")
    shutil.copy(scan, folder)


STATES: dict[str, Callable[[Path], None]] = {
    made.__name__: made
    for made in (case, results, outlined, lab, cohort, study, deployed, external, portal, tissue)
}
