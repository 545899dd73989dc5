"""Slides with outlines train the attention over frozen networks, at those networks' geometry."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from msfusion_sdk import SlideEncoder
from msfusion_sdk.encoder.sources import naming, opening
from msfusion_sdk.errors import NetworkFactsError
from msfusion_sdk.pretraining.annotated.dataset_config import DatasetConfig
from msfusion_sdk.pretraining.annotated.over_networks import pretrain_slides_over_networks

from ..frozen.conftest import Edges

pytestmark = pytest.mark.slow
DATA = DatasetConfig(stain=None, patches_per_slide=2)


@pytest.fixture(scope="module")
def trained(outlined_slides: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("over")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(naming, "list_networks", lambda: {"edges": "acme 0.1"})
        patch.setattr(opening, "load_network", lambda name: Edges())
        wide = {"patch_size_px": 192, "tiles": 3}
        start = SlideEncoder.from_networks("edges", geometry=wide, device="cpu")
        return pretrain_slides_over_networks(
            outlined_slides / "slides.csv", outlined_slides / "outlines", root / "model",
            start.save_pretrained(root / "start"), DATA, epochs=2, about="Made.",
        )  # fmt: skip


def test_images_are_cut_as_the_networks_see_them(trained: Path) -> None:
    for scale in ("context", "detail"):
        table = pd.read_csv(trained / "datasets" / scale / "index.csv")
        row = table.iloc[0]
        path = trained / "datasets" / scale / row["class"] / row["file"]
        assert cv2.imread(str(path)).shape == (64, 64, 3)
    numbers = table["file"].str.extract(r"-(\d)\.jpg")[0].astype(int)
    assert numbers.max() == 9
    assert len(np.unique(numbers)) > 4


def test_the_model_weighs_by_evidence_against_normal_tissue(trained: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(naming, "list_networks", lambda: {"edges": "acme 0.1"})
        patch.setattr(opening, "load_network", lambda name: Edges())
        encoder = SlideEncoder.from_pretrained(trained, device="cpu")
    assert encoder.config.network.classes == ("Tumor", "normal")
    assert encoder.config.fusion.score == "evidence"
    assert encoder.config.stain is None
    assert encoder.model.detail(torch.randint(0, 256, (2, 3, 64, 64))).shape == (2, 2)
    assert "slides gave images" in encoder._card


def test_a_model_of_the_method_is_refused_before_slides_are_cut(
    outlined_slides: Path, tmp_path: Path
) -> None:
    with pytest.raises(NetworkFactsError, match="--start instead of --network"):
        pretrain_slides_over_networks(
            outlined_slides / "slides.csv", outlined_slides / "outlines", tmp_path,
            "lung-tiles-v2", DATA,
        )  # fmt: skip
    assert not list(tmp_path.iterdir())
