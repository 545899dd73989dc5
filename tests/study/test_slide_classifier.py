"""A slide file in, the probability of each class out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from msfusion_sdk import Cohort, FusionClassifier, SlideClassifier, SlideEncoder
from msfusion_sdk.errors import (
    MissingModalityError,
    StoreMixedFeaturesError,
    TableError,
    WeightsError,
)
from msfusion_sdk.study.models import predict_on_cohort
from msfusion_sdk.study.train import train_on_cohort
from msfusion_sdk.study.trained_model import TrainedModel

pytestmark = [
    pytest.mark.filterwarnings("ignore::msfusion_sdk.study.learnable.FewOutcomesWarning"),
    pytest.mark.usefixtures("coarse"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def encoder(trained_model: Path) -> SlideEncoder:
    return SlideEncoder.from_pretrained(trained_model, device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def cohort(labelled_slides: Path, tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """The first 12 slides, one a patient; the last 4 are left to be classified."""
    slides = pd.read_csv(labelled_slides / "slides.csv").head(12)
    patients = slides[["patient_id", "diagnosis"]].assign(
        time_months=np.arange(1.0, 13.0), event=np.resize([1, 0], 12)
    )
    folder = tmp_path_factory.mktemp("labelled-cohort") / "cohort"
    return Cohort.create(folder, patients=patients, slides=slides.drop(columns="diagnosis"))


@pytest.fixture(scope="module")
def fitted(cohort: Cohort, encoder: SlideEncoder) -> SlideClassifier:
    return SlideClassifier(encoder).fit(cohort, "diagnosis")


@pytest.mark.parametrize("number", [12, 13, 14, 15])
def test_new_slides_are_told_apart(
    fitted: SlideClassifier, labelled_slides: Path, number: int
) -> None:
    chances, embedding = fitted.classify(labelled_slides / f"s{number}.png", mpp=0.25)
    assert list(chances.index) == ["dots", "stripes"]
    assert chances.sum() == pytest.approx(1)
    assert chances.idxmax() == ("dots", "stripes")[number % 2]
    assert embedding.slide_id == f"s{number}"


def test_it_is_the_fusion_classifier_of_the_cohort(fitted: SlideClassifier, cohort: Cohort) -> None:
    table = cohort.tables()["slide"]
    head = FusionClassifier().fit({"slide": table}, cohort.outcome("diagnosis"))
    wanted = head.predict_proba({"slide": table}).to_numpy()
    assert fitted.predict_proba(table.to_numpy()).to_numpy() == pytest.approx(wanted)


def test_a_saved_one_says_the_same(
    fitted: SlideClassifier, labelled_slides: Path, tmp_path: Path
) -> None:
    loaded = SlideClassifier.load(fitted.save(tmp_path / "model"), device="cpu", precision="fp32")
    assert loaded.encoder.fingerprint == fitted.encoder.fingerprint
    slide = labelled_slides / "s12.png"
    again, first = loaded.classify(slide, mpp=0.25)[0], fitted.classify(slide, mpp=0.25)[0]
    pd.testing.assert_series_equal(again, first)


def test_training_on_a_cohort_makes_one(
    fitted: SlideClassifier, cohort: Cohort, labelled_slides: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    train_on_cohort(cohort, "diagnosis", folder, modalities=["slide"], encoder=fitted.encoder)
    made = SlideClassifier.load(folder, device="cpu", precision="fp32")
    slide = labelled_slides / "s13.png"
    wanted = fitted.classify(slide, mpp=0.25)[0]
    pd.testing.assert_series_equal(made.classify(slide, mpp=0.25)[0], wanted)
    with pytest.warns(UserWarning, match="learned from 12 of the 12"):
        assert len(predict_on_cohort(cohort, folder)) == 12


def test_an_encoder_of_other_vectors_is_refused(
    fitted: SlideClassifier, cohort: Cohort, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    with pytest.raises(StoreMixedFeaturesError, match=small_encoder.fingerprint[:12]):
        train_on_cohort(cohort, "diagnosis", tmp_path / "a", encoder=small_encoder)
    assert not (tmp_path / "a").exists()


def test_a_model_of_survival_has_its_encoder_in_the_folder_too(
    fitted: SlideClassifier, cohort: Cohort, tmp_path: Path
) -> None:
    train_on_cohort(cohort, "survival", tmp_path / "model", encoder=fitted.encoder)
    model = TrainedModel.load(tmp_path / "model")
    assert model.encoder(device="cpu").fingerprint == fitted.encoder.fingerprint
    train_on_cohort(cohort, "survival", tmp_path / "bare")
    with pytest.raises(WeightsError, match="train --encoder"):
        TrainedModel.load(tmp_path / "bare").encoder()


def test_survival_is_no_class(cohort: Cohort, encoder: SlideEncoder) -> None:
    with pytest.raises(TableError, match="FusionSurvival"):
        SlideClassifier(encoder).fit(cohort, "survival")


def test_a_slide_without_tissue_has_no_class(fitted: SlideClassifier, blank_slide: Path) -> None:
    with pytest.raises(MissingModalityError, match="no tissue found"):
        fitted.classify(blank_slide)


def test_one_that_is_not_fitted_says_so(encoder: SlideEncoder, tmp_path: Path) -> None:
    with pytest.raises(NotFittedError, match="Call fit"):
        SlideClassifier(encoder).predict_proba(np.zeros((1, 1024)))
    with pytest.raises(NotFittedError, match="Call fit"):
        SlideClassifier(encoder).save(tmp_path / "model")


def test_a_folder_without_its_encoder_is_refused(
    fitted: SlideClassifier, cohort: Cohort, tmp_path: Path
) -> None:
    train_on_cohort(cohort, "diagnosis", tmp_path / "model", modalities=["slide"])
    with pytest.raises(WeightsError, match="train --encoder"):
        SlideClassifier.load(tmp_path / "model")
