"""What the commands work on: slides, an encoder, results, tables and fitted models, made once."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from msfusion_sdk import Cohort, SlideEmbedding, SlideEncoder
from msfusion_sdk.config import EncoderConfig, PatchConfig
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.encoder.weights.encoder_folder import write_model_folder
from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.study.models import evaluate_on_cohort
from msfusion_sdk.study.train import train_on_cohort
from msfusion_sdk.testing import make_slide

SLIDES = ("a", "b", "c")
PATIENTS = 24


@dataclass(frozen=True)
class World:
    """Everything that is only read."""

    folder: Path
    encoder: SlideEncoder
    results: dict[str, SlideEmbedding]
    cohort: Path
    """Three slides encoded with patches, a modality, two outcomes."""
    elsewhere: Path
    """A cohort of other patients, without slides."""
    model: Path
    """Of ``survival``, trained on the cohort."""
    evaluation: Evaluation
    features: Path
    """HDF5 files of the slides."""

    def copy(self, target: Path) -> Path:
        """Return a copy of the cohort."""
        return Path(shutil.copytree(self.cohort, target))


def make_world(folder: Path) -> World:
    """Make everything below a folder."""
    config = EncoderConfig(
        name="small", patches=PatchConfig(patch_size_px=64, stride_px=256, low_recall=0.0)
    )
    write_model_folder(folder / "encoder", TwoScaleModel(config), config, "# Random weights\n")
    encoder = SlideEncoder.from_pretrained(folder / "encoder", device="cpu", precision="fp32")
    paths = {name: _slide(folder, name, seed) for seed, name in enumerate(SLIDES)}
    results = {name: encoder.encode(path, threads=0) for name, path in paths.items()}
    cohort = Cohort.create(folder / "cohort", patients=patients(), slides=slide_table(paths))
    cohort.add_modality("clinical", clinical())
    store = _store(cohort, encoder)
    for result in results.values():
        store.commit(result, patches=True)
    _note(cohort, encoder, results)
    for outcome, name in (("survival", "model"), ("diagnosis", "classifier")):
        train_on_cohort(cohort, outcome, folder / name, modalities=["clinical"])
    evaluation = evaluate_on_cohort(
        cohort, "diagnosis", folds=2, bootstrap=0, modalities=["clinical"]
    )
    features = folder / "features"
    features.mkdir()
    for number, name in enumerate(SLIDES):
        with h5py.File(features / f"{name}.h5", "w") as file:
            file["features"] = np.full((4, 8), number, np.float32)
            file["coords"] = np.zeros((4, 2), np.int64)
    return World(
        folder, encoder, results, cohort.root, _elsewhere(folder), folder / "model", evaluation,
        features,
    )  # fmt: skip


def _elsewhere(folder: Path) -> Path:
    others = [table.replace("^P", "E", regex=True) for table in (patients(), clinical(1.0))]
    cohort = Cohort.create(folder / "elsewhere", patients=others[0])
    cohort.add_modality("clinical", others[1])
    return cohort.root


def patients() -> pd.DataFrame:
    """Two outcomes, which age decides."""
    age = np.arange(PATIENTS) + 40.0
    return pd.DataFrame(
        {
            "patient_id": [f"P{number:02d}" for number in range(PATIENTS)],
            "time_months": 100 - age,
            "event": np.resize([1, 1, 0], PATIENTS),
            "diagnosis": np.where(age > 51, "luad", "lusc"),
        }
    )


def clinical(shift: float = 0.0) -> pd.DataFrame:
    """Age of every patient, and a number that says nothing."""
    rng = np.random.default_rng(0)
    age = np.arange(PATIENTS) + 40.0 + shift + rng.normal(0, 4, PATIENTS)
    return pd.DataFrame(
        {"patient_id": patients()["patient_id"], "age": age, "crp": rng.normal(size=PATIENTS)}
    )


def slide_table(paths: dict[str, Path]) -> pd.DataFrame:
    """The slides of the first patients."""
    owners = patients()["patient_id"][: len(paths)]
    return pd.DataFrame(
        {"slide_id": list(paths), "patient_id": owners, "path": list(map(str, paths.values()))}
    )


def _slide(folder: Path, name: str, seed: int) -> Path:
    return make_slide(folder / f"{name}.svs", 1024, 768, tissue="full", seed=seed, downsamples=(1,))


def _store(cohort: Cohort, encoder: SlideEncoder):  # type: ignore[no-untyped-def]
    from msfusion_sdk.cohort.store.store import EmbeddingStore

    store = EmbeddingStore(cohort.root, encoder.fingerprint)
    store.prepare()
    return store


def _note(cohort: Cohort, encoder: SlideEncoder, results: dict[str, SlideEmbedding]) -> None:
    from msfusion_sdk.cohort.store.ledger import Ledger, SlideStatus

    ledger = Ledger(cohort.root, encoder.fingerprint)
    for name, result in results.items():
        ledger.write(SlideStatus(slide_id=name, status=result.status, reason=result.reason))
