"""A cohort of tissue that tells its class, and models of it with their encoder."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk import Cohort, SlideEncoder
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.study.train import train_on_cohort


@pytest.fixture(scope="session")
def encoder(trained_model: Path) -> SlideEncoder:
    return SlideEncoder.from_pretrained(trained_model, device="cpu", precision="fp32")


@pytest.fixture(scope="session")
def training(
    labelled_slides: Path, encoder: SlideEncoder, tmp_path_factory: pytest.TempPathFactory
) -> Cohort:
    """8 patients with a slide each, encoded; dots die early.  Ages tell little."""
    slides = pd.read_csv(labelled_slides / "slides.csv").head(8)
    patients = slides[["patient_id", "diagnosis"]].assign(
        time_months=np.where(slides["diagnosis"] == "dots", 4.0, 30.0) + np.arange(8),
        event=[1, 1, 1, 0, 1, 1, 1, 0],
    )
    folder = tmp_path_factory.mktemp("deployed") / "cohort"
    cohort = Cohort.create(folder, patients=patients, slides=slides.drop(columns="diagnosis"))
    ages = pd.DataFrame({"patient_id": slides["patient_id"], "age": np.arange(8) + 60.0})
    cohort.add_modality("clinical", ages)
    encode_here(encoder, cohort.root, dict(zip(slides["slide_id"], slides["path"], strict=True)))
    return cohort


def encode_here(encoder: SlideEncoder, root: Path, paths: dict[str, str | Path]) -> None:
    """Encode slides as workers do, in this process: starting one takes a while."""
    store = EmbeddingStore(root, encoder.fingerprint)
    store.prepare()
    for name, path in paths.items():
        result = encoder.encode(path, mpp=0.25, slide_id=name)
        store.commit(result, patches=True)


@pytest.fixture
def new(labelled_slides: Path) -> list[Path]:
    """A slide of dots and one of stripes that nobody learned from."""
    return [labelled_slides / f"s{number}.png" for number in (12, 13)]


@pytest.fixture(scope="session")
def encoded(
    labelled_slides: Path, encoder: SlideEncoder, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A working folder in which the slides of ``new`` are encoded already."""
    folder = tmp_path_factory.mktemp("work")
    paths: dict[str, str | Path] = {f"s{n}": labelled_slides / f"s{n}.png" for n in (12, 13)}
    encode_here(encoder, folder, paths)
    return folder


def _trained(
    cohort: Cohort, outcome: str, encoder: SlideEncoder, factory: pytest.TempPathFactory
) -> Path:
    folder = factory.mktemp("models") / outcome
    with pytest.warns(UserWarning, match="fewer than 10"):
        train_on_cohort(cohort, outcome, folder, encoder=encoder)
    return folder


@pytest.fixture(scope="session")
def diagnosis_model(
    training: Cohort, encoder: SlideEncoder, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Classes from slide and age, with the encoder in the folder."""
    return _trained(training, "diagnosis", encoder, tmp_path_factory)


@pytest.fixture(scope="session")
def survival_model(
    training: Cohort, encoder: SlideEncoder, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Survival from slide and age, with the encoder in the folder."""
    return _trained(training, "survival", encoder, tmp_path_factory)
