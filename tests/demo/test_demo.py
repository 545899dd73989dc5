"""What ``make demo`` runs."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from msfusion_sdk import SlideEmbedding
from msfusion_sdk.demo.cohort import run_cohort_demo
from msfusion_sdk.demo.slide import run_demo
from msfusion_sdk.encoder.slide_encoder import SlideEncoder
from msfusion_sdk.testing import made_cohort

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("coarse")]


def test_the_demo_writes_slide_vector_parquet_geojson_and_overlay(
    small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    encoder = small_encoder.with_config(small_encoder.config.updated(patches={"stride_px": 1152}))
    done: list[int] = []
    result = run_demo(tmp_path / "demo", encoder, lambda count, _: done.append(count))
    names = {path.suffix for path in (tmp_path / "demo").iterdir()}
    assert names == {".svs", ".npy", ".parquet", ".geojson", ".png"}
    assert np.array_equal(np.load(tmp_path / "demo" / "slide.npy"), np.asarray(result))
    assert SlideEmbedding.from_parquet(tmp_path / "demo" / "slide.parquet").status == result.status
    assert done[-1] == result.patches.num_rows


@pytest.mark.slow
@pytest.mark.process
def test_the_demo_of_a_cohort_ends_in_one_page_that_says_it_is_synthetic(
    small_encoder: SlideEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made_cohort, "_SIZE", (2400, 1800))
    sparse = small_encoder.config.updated(patches={"stride_px": 1152})
    written = run_cohort_demo(tmp_path, small_encoder.with_config(sparse))
    assert all(path.exists() for path in written.values())
    assert pq.read_table(written["features by patient"]).num_rows == 160
    page = written["report"].read_text()
    assert page.index("Everything here is synthetic") < page.index("<main>")
    assert page.count("<article") == 4
    # Eleven of twelve: the file of the last one is empty on purpose.
    assert "11 of 12 slides have a vector." in page
    assert "SlideCorrupt" in page
