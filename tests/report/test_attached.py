"""A cohort of attached features: its page shows where their patches are, and invents nothing."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from msfusion_sdk import Cohort
from msfusion_sdk.figures.slides.places import draw_places
from msfusion_sdk.report.write import write_report
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.tissue.overview import read_overview

from .conftest import Page, read_page

CORNERS = np.array([[0, 0], [224, 0], [0, 224]])


def attached(slide: Path, folder: Path, *, has_places: bool = True) -> Cohort:
    (folder / "made").mkdir()
    if has_places:
        with h5py.File(folder / "made" / "s.h5", "w") as file:
            file["features"] = np.ones((3, 8), np.float32)
            file["coords"] = CORNERS
            file["coords"].attrs["patch_size_level0"] = 224
    else:
        torch.save(torch.ones(3, 8), folder / "made" / "s.pt")
    slides = pd.DataFrame({"slide_id": ["s"], "patient_id": ["p"], "path": [str(slide)]})
    patients = pd.DataFrame({"patient_id": ["p"]})
    cohort = Cohort.create(folder / "cohort", patients=patients, slides=slides)
    cohort.attach_features(folder / "made", name="uni")
    return cohort


def page_of(cohort: Cohort, folder: Path) -> Page:
    return read_page(write_report(cohort.root, folder / "report.html"))


def test_the_page_shows_the_patches_and_leaves_open_what_is_not_known(
    tiny_slide: Path, tmp_path: Path
) -> None:
    page = page_of(attached(tiny_slide, tmp_path), tmp_path)
    text = " ".join(" ".join(page.words).split())
    assert "Features of uni, made elsewhere" in text
    assert "Patches: 3, of features that were made elsewhere" in text
    assert "Where the patches lie" in text
    assert "Green: tissue" not in text
    assert any("with its patches" in image["alt"] for image in page.all("img"))
    (rows,) = [rows for rows in page.tables.values() if "tissue (mm²)" in rows[0]]
    assert rows[1][3:6] == ["3", "–", "–"]


def test_features_without_places_have_no_picture_and_a_reason(
    tiny_slide: Path, tmp_path: Path
) -> None:
    page = page_of(attached(tiny_slide, tmp_path, has_places=False), tmp_path)
    text = " ".join(" ".join(page.words).split())
    assert "No slide can be shown" in text
    assert "s: the attached features do not say where their patches are" in text


def test_a_slide_file_that_is_gone_costs_its_picture_only(tiny_slide: Path, tmp_path: Path) -> None:
    slide = Path(shutil.copy(tiny_slide, tmp_path / "gone.svs"))
    cohort = attached(slide, tmp_path)
    slide.unlink()
    page = page_of(cohort, tmp_path)
    assert "gone.svs" in " ".join(page.words)
    assert str(tmp_path) not in " ".join(page.words)


@pytest.mark.parametrize("size", [100.0, 224.0])
def test_squares_are_as_large_as_patches(tiny_slide: Path, size: float) -> None:
    with open_slide(tiny_slide) as slide:
        overview = read_overview(slide, 0.25, 2.0)
    (axes,) = draw_places(overview, CORNERS.astype(float), size, 0.25).axes
    (squares,) = [c for c in axes.collections if len(c.get_paths()) == 3]
    boxes = [path.get_extents().bounds for path in squares.get_paths()]
    assert boxes == [(float(x), float(y), size, size) for x, y in CORNERS]
