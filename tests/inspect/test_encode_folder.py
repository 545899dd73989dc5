from pathlib import Path

import pytest

from msfusion_sdk import SlideEmbedding
from msfusion_sdk.encoder.slide_encoder import SlideEncoder
from msfusion_sdk.errors import DuplicateIdError, NonFiniteVectorError, StoreError
from msfusion_sdk.inspect.encode_folder import encode_to_folder
from msfusion_sdk.testing import make_slide


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_slide(tmp_path_factory.mktemp("folder") / "good.svs", 2000, 1600, coverage=0.5)


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
