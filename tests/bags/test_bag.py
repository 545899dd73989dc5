"""Bags say where patch vectors lie, and read them when they are asked."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk.bags import Bag, SlidePatches, bag_table
from msfusion_sdk.encoder.slide_encoder import SlideEncoder
from msfusion_sdk.errors import NonFiniteError, ShapeError, StoreSchemaError, TableError

pytestmark = pytest.mark.slow


def test_a_bag_is_its_slides_one_after_the_other(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((2, 3), np.float16))
    bag = Bag((SlidePatches("a", tmp_path / "a.npy"), SlidePatches("b", np.zeros((1, 3)))))
    assert bag.read().tolist() == [[1, 1, 1], [1, 1, 1], [0, 0, 0]]


def test_patches_that_encoding_wrote_are_read(
    tiny_slide: Path, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    result = small_encoder.encode(tiny_slide)
    path = result.to_parquet(tmp_path / "slide.parquet")
    expected = np.stack(result.patches.column("vector").to_pylist())
    np.testing.assert_array_equal(SlidePatches("tiny", path).read(), expected.astype(np.float32))


def test_a_slide_stored_without_patches_says_what_to_do(
    tiny_slide: Path, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    path = small_encoder.encode(tiny_slide).to_parquet(tmp_path / "slide.parquet", patches=False)
    with pytest.raises(StoreSchemaError, match="patches=True"):
        SlidePatches("tiny", path).read()


def test_a_table_of_bags_is_copied_and_joined_like_any_other() -> None:
    table = bag_table({"0012": np.zeros((4, 2)), "7": np.ones((3, 2))})
    joined = pd.concat([table, pd.DataFrame(index=pd.Index(["none"], name="patient_id"))])
    assert joined["patches"].isna().tolist() == [False, False, True]
    assert joined.loc["7", "patches"].read().sum() == 6


def test_what_is_no_matrix_is_refused_with_the_slide_id() -> None:
    with pytest.raises(ShapeError, match=r"'s7'.*\(3,\)"):
        SlidePatches("s7", np.zeros(3)).read()
    with pytest.raises(NonFiniteError, match="'s8'"):
        SlidePatches("s8", np.full((2, 2), np.nan)).read()


def test_a_patient_without_slides_is_refused() -> None:
    with pytest.raises(TableError, match="'P1' has no slide"):
        bag_table({"P1": []})
