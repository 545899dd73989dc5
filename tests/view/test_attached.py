"""Attached features show where their patches are, over the slide they are of."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from msfusion_sdk import Cohort
from msfusion_sdk.slides.readers.file_kind import FileStamp
from msfusion_sdk.view.attention import attention_of
from msfusion_sdk.view.catalog import open_catalog

CORNERS = np.array([[0, 0], [224, 0], [0, 224]])


@pytest.mark.parametrize("layout", ["trident", "clam", "stamp"])
def test_the_viewer_draws_the_squares_of_attached_patches(
    tiny_slide: Path, tmp_path: Path, layout: str
) -> None:
    (tmp_path / "h5").mkdir()
    with h5py.File(tmp_path / "h5" / "s.h5", "w") as file:
        file["feats" if layout == "stamp" else "features"] = np.ones((3, 8), np.float32)
        file["coords"] = CORNERS * (0.25 if layout == "stamp" else 1)
        if layout == "stamp":
            file.attrs["tile_size_um"] = 56.0
        elif layout == "trident":
            file["coords"].attrs["patch_size_level0"] = 224
    slides = pd.DataFrame({"slide_id": ["s"], "patient_id": ["p"], "path": [str(tiny_slide)]})
    patients = pd.DataFrame({"patient_id": ["p"]})
    cohort = Cohort.create(tmp_path / "cohort", patients=patients, slides=slides)
    cohort.attach_features(tmp_path / "h5", name="uni")
    (listed,) = open_catalog(cohort.root).slides
    drawn = attention_of(listed, FileStamp.of(tiny_slide), mpp=0.25)
    assert drawn["note"] == ""
    assert list(zip(drawn["patches"]["x"], drawn["patches"]["y"], strict=True)) == [
        tuple(corner) for corner in CORNERS.tolist()
    ]
    assert drawn["patches"]["size_px"] == [224] * 3
