import os
import shutil
from pathlib import Path

import pytest

from msfusion_sdk import SlideEmbedding
from msfusion_sdk.encoder.slide_encoder import SlideEncoder
from msfusion_sdk.errors import DuplicateIdError, NonFiniteVectorError, StoreError
from msfusion_sdk.inspect.encode_folder import encode_to_folder
from msfusion_sdk.testing import make_slide

pytestmark = [pytest.mark.usefixtures("coarse"), pytest.mark.slow]


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_slide(tmp_path_factory.mktemp("folder") / "good.svs", 1000, 800, coverage=0.5)


def test_one_bad_slide_does_not_stop_the_others(
    small_encoder: SlideEncoder, slide: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.svs"
    broken.write_bytes(b"")
    outcomes = list(encode_to_folder(small_encoder, [broken, slide], tmp_path / "out"))
    assert [o.status for o in outcomes] == ["failed", "ok"]
    assert outcomes[0].code == "SlideCorrupt"
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["good.geojson", "good.parquet", "good.png"]


def test_patch_vectors_are_stored_on_request(
    small_encoder: SlideEncoder, slide: Path, tmp_path: Path
) -> None:
    for patches, folder in ((False, tmp_path / "a"), (True, tmp_path / "b")):
        (outcome,) = encode_to_folder(small_encoder, [slide], folder, patches=patches)
        stored = SlideEmbedding.from_parquet(folder / "good.parquet")
        assert stored.patches.num_rows == (outcome.n_patches if patches else 0)


def test_two_slides_of_one_name_are_refused_before_anything_is_read(
    small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    paths = [tmp_path / "a" / "case.svs", tmp_path / "b" / "CASE.svs"]
    with pytest.raises(DuplicateIdError, match="occur more than once"):
        next(encode_to_folder(small_encoder, paths, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_result_that_cannot_be_written_stops_the_run(
    small_encoder: SlideEncoder, slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        msg = "no space left"
        raise StoreError(msg)

    monkeypatch.setattr(SlideEmbedding, "to_parquet", full)
    with pytest.raises(StoreError, match="no space"):
        list(encode_to_folder(small_encoder, [slide], tmp_path / "out"))


def test_a_slide_whose_vector_is_not_finite_fails_alone(
    small_encoder: SlideEncoder, slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overflow(*_: object, **__: object) -> None:
        msg = "NaN"
        raise NonFiniteVectorError(msg)

    monkeypatch.setattr(SlideEncoder, "encode", overflow)
    (outcome,) = encode_to_folder(small_encoder, [slide], tmp_path)
    assert (outcome.status, outcome.code) == ("failed", "NonFiniteVector")


def test_results_of_another_file_of_that_name_are_kept(
    small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    for folder in "AB":
        (tmp_path / folder).mkdir()
    one = make_slide(tmp_path / "A" / "S1.svs", 512, 384, tissue="full", seed=0)
    other = make_slide(tmp_path / "B" / "S1.svs", 512, 384, tissue="full", seed=1)
    list(encode_to_folder(small_encoder, [one], tmp_path / "out"))
    before = (tmp_path / "out" / "S1.parquet").read_bytes()
    (refused,) = encode_to_folder(small_encoder, [other], tmp_path / "out")
    assert (refused.status, refused.code) == ("failed", "DuplicateId")
    for path in (other, tmp_path / "out" / "S1.parquet"):
        assert str(path) in refused.reason
    assert (tmp_path / "out" / "S1.parquet").read_bytes() == before
    (done,) = encode_to_folder(small_encoder, [other], tmp_path / "out", overwrite=True)
    assert done.status != "failed"


def test_the_same_file_may_be_encoded_again_also_from_a_copy(
    small_encoder: SlideEncoder, slide: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copyfile(slide, tmp_path / "good.svs"))
    for path in (slide, slide, copy):
        (outcome,) = encode_to_folder(small_encoder, [path], tmp_path / "out")
        assert outcome.status == "ok"


@pytest.mark.parametrize(
    "name",
    ["cost_$5_and_$x^2_{", "a.b.c", "n" * 251, "per%cent"],
    ids=["formula", "two dots", "251 characters", "percent"],
)
def test_any_name_has_its_results(
    name: str, small_encoder: SlideEncoder, slide: Path, tmp_path: Path
) -> None:
    (outcome,) = encode_to_folder(
        small_encoder, [shutil.copy(slide, tmp_path / f"{name}.svs")], tmp_path / "out"
    )
    assert (outcome.status, outcome.slide_id) == ("ok", name)
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [
        ".geojson", ".parquet", ".png",
    ]  # fmt: skip


def test_a_name_that_is_not_utf8_has_its_results(
    small_encoder: SlideEncoder, slide: Path, tmp_path: Path
) -> None:
    path = os.fsencode(tmp_path) + b"/\xff\xfe.svs"
    shutil.copy(slide, path)
    (outcome,) = encode_to_folder(small_encoder, [os.fsdecode(path)], tmp_path / "out")
    assert (outcome.status, outcome.slide_id) == ("ok", "%FF%FE")


def test_an_overlay_that_cannot_be_drawn_costs_a_warning(
    small_encoder: SlideEncoder, slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        msg = "no such glyph"
        raise ValueError(msg)

    monkeypatch.setattr("msfusion_sdk.inspect.encode_folder.write_overlay", fail)
    (outcome,) = encode_to_folder(small_encoder, [slide], tmp_path)
    assert outcome.status == "ok_with_warnings"
    assert "no such glyph" in outcome.reason
    assert SlideEmbedding.from_parquet(tmp_path / "good.parquet").vector is not None
