"""What ``make demo`` runs."""

from pathlib import Path

import numpy as np

from msfusion_sdk import SlideEmbedding
from msfusion_sdk.encoder.slide_encoder import SlideEncoder
from msfusion_sdk.report.demo import run_demo


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
