"""Fine-tuning from slide labels learns something; the networks are whole, unlike other tests'."""

import json
from pathlib import Path

import pytest
from safetensors import safe_open

from msfusion_sdk.pretraining.checkpoint import TrainingState
from msfusion_sdk.pretraining.slide_labels.fine_tune_config import FineTuneConfig
from msfusion_sdk.pretraining.slide_labels.from_labels import pretrain_labels

pytestmark = pytest.mark.slow


def test_dots_are_told_from_stripes_better_than_before(
    labelled_slides: Path, trained_model: Path, tmp_path: Path
) -> None:
    quick = FineTuneConfig(
        epochs=2, patches_per_slide=2, judged_patches=2, slides_per_step=2, peak_rate=2e-5
    )
    slides = labelled_slides / "slides.csv"
    out = pretrain_labels(slides, "diagnosis", tmp_path, quick, start=trained_model, device="cpu")
    with safe_open(out / "training" / "last.safetensors", framework="pt") as file:
        state = TrainingState(**json.loads(file.metadata()["state"]))
    before, *after = (row["validation_loss"] for row in state.history)
    assert min(after) < before
    assert f"epoch {state.best_epoch}." in (out / "README.md").read_text()
