"""The whole way, from slides with outlines to an encoder that uses what was learned."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from msfusion_sdk.encoder.slide_encoder import SlideEncoder
from msfusion_sdk.pretraining import scores
from msfusion_sdk.pretraining.annotated.dataset_config import DatasetConfig
from msfusion_sdk.pretraining.annotated.from_slides import pretrain_slides, training_config
from msfusion_sdk.pretraining.annotated.scoring import per_slide

from ...coarse import narrow_model

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("narrow")]

FEW = {name: scores.CONDITIONS[name] for name in ("clean", "grey")}


@pytest.fixture(scope="module")
def start(narrow: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model to begin with."""
    return narrow_model(tmp_path_factory.mktemp("start"))


@pytest.fixture(scope="module")
def trained(outlined_slides: Path, start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("outlined-model")
    quick = training_config(
        epochs=1, batch_size=4, context_view_px=64, detail_view_px=64, average_decay=0.5
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scores, "CONDITIONS", FEW)
        return pretrain_slides(
            outlined_slides / "slides.csv",
            outlined_slides / "outlines",
            out,
            DatasetConfig(stain="macenko", patches_per_slide=1),
            quick,
            name="outlined",
            start=start,
            device="cpu",
            workers=0,
        )


def test_the_model_knows_the_classes_and_the_stains(trained: Path) -> None:
    encoder = SlideEncoder.from_pretrained(trained, device="cpu")
    assert encoder.config.network.classes == ("Tumor", "normal")
    assert encoder.config.stain is not None
    assert encoder.config.stain.method == "macenko"


def test_a_slide_is_encoded_in_the_colours_of_the_target(
    trained: Path, outlined_slides: Path
) -> None:
    encoder = SlideEncoder.from_pretrained(trained, device="cpu")
    result = encoder.encode(outlined_slides / "s0.svs")
    assert result.provenance.stain is not None
    assert result.provenance.stain.is_applied
    assert result.vector is not None


def test_the_card_tells_of_slides_and_of_the_start(trained: Path) -> None:
    card = (trained / "README.md").read_text()
    assert "4 of 4 slides gave images" in card
    assert "the weights of begun-elsewhere" in card
    assert "one training slide (macenko)" in card
    assert "s0" not in card  # ids can name patients


def test_scores_are_kept_by_image_and_by_slide(trained: Path) -> None:
    images = pd.read_csv(trained / "training" / "detail_images.csv")
    # One patch of each class from the one test patient, four tiles each.
    assert images["class"].value_counts().to_dict() == {"Tumor": 4, "normal": 4}
    assert images[["Tumor", "normal"]].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-4)
    slides = pd.read_csv(trained / "training" / "slide_scores.csv")
    assert slides["network"].tolist() == ["context", "detail"]
    assert slides["images"].tolist() == [2, 8]
    for name in ("context", "detail"):
        picture = trained / "training" / f"{name}_scores.png"
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_slides_are_scored_by_the_mean_of_their_images() -> None:
    images = pd.DataFrame(
        {
            "slide": ["a", "a", "b"],
            "file": ["1", "2", "3"],
            "class": ["x", "y", "y"],
            "x": [0.9, 0.7, 0.2],
            "y": [0.1, 0.3, 0.8],
        }
    )
    table = per_slide(images, ("x", "y"))
    assert table.to_dict("list") == {
        "slide": ["a", "b"], "images": [2, 1], "right": [0.5, 1.0],
        "x": pytest.approx([0.8, 0.2]), "y": pytest.approx([0.2, 0.8]),
    }  # fmt: skip


@pytest.mark.process
def test_composite_slides_train_both_networks(shared: Path, tmp_path: Path) -> None:
    """Slides of real tiles, with outlines and diagnoses in the patient table."""

    tool = shared / "tools" / "compose_cohort.py"
    command = [
        sys.executable, str(tool), "--tiles", str(shared / "data" / "tiles" / "lc25000"),
        "--out", str(tmp_path), "--patients", "9", "--width", "5120", "--height", "3840",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    quick = training_config(
        epochs=1, batch_size=4, context_view_px=64, detail_view_px=64, average_decay=0.5
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scores, "CONDITIONS", FEW)
        out = pretrain_slides(
            tmp_path / "slides.csv",
            tmp_path / "annotations",
            tmp_path / "model",
            DatasetConfig(label="diagnosis", patches_per_slide=1, min_overlap=0.1),
            quick,
            patients=tmp_path / "patients.csv",
            preset="biopsy",
            device="cpu",
            workers=0,
        )
    config = json.loads((out / "config.json").read_text())
    assert config["encoder"]["network"]["classes"] == ["luad", "lusc", "normal"]
