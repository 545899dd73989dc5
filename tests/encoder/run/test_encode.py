"""What ``encode`` answers for slides that are blank, tiny, damaged or changing."""

import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from msfusion_sdk import SlideEmbedding, SlideEncoder
from msfusion_sdk.encoder.networks.accumulator import PatchAccumulator
from msfusion_sdk.encoder.networks.model import PatchFeatures
from msfusion_sdk.encoder.run import reading
from msfusion_sdk.encoder.run.encoding import encode_patches
from msfusion_sdk.errors import (
    DeviceError,
    SettingError,
    SlideChangedError,
    SlideCorruptError,
    SlideResolutionError,
)
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.readers.reader import Slide
from msfusion_sdk.slides.tissue.patch_plan import PatchPlan
from msfusion_sdk.slides.tissue.patch_reading import PatchPixels, read_patch
from msfusion_sdk.slides.tissue.survey import survey_slide
from msfusion_sdk.testing import damage_stored_tile, make_slide

pytestmark = pytest.mark.slow


def reading_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("msfusion-read")]


def with_read(encoder: SlideEncoder, **fields: object) -> SlideEncoder:
    return encoder.with_config(encoder.config.updated(read=fields))


@pytest.fixture(scope="module")
def intact(small_encoder: SlideEncoder, made_slide: Path) -> SlideEmbedding:
    return small_encoder.encode(made_slide)


@pytest.fixture
def damaged_at(intact: SlideEmbedding, slide_copy: Path) -> tuple[int, int]:
    """Damage the stored tile of one patch of ``slide_copy``; return the patch's location."""
    row = intact.patches.slice(2, 1).to_pylist()[0]
    damage_stored_tile(slide_copy, row["x"], row["y"])
    return (row["x"], row["y"])


def test_a_good_slide_is_ok_and_is_its_own_array(intact: SlideEmbedding) -> None:
    assert (intact.slide_id, intact.status, intact.reason) == ("made-slide", "ok", "")
    assert intact.vector.shape == (1024,)
    assert intact.vector.dtype == np.float32
    assert np.asarray(intact) is intact.vector
    assert repr(intact) == f"SlideEmbedding('made-slide', ok, {intact.patches.num_rows} patches)"


def test_a_blank_slide_is_empty_and_says_why(small_encoder: SlideEncoder, tmp_path: Path) -> None:
    path = make_slide(tmp_path / "blank.svs", 512, 512, tissue="none")
    result = small_encoder.encode(path)
    assert (result.status, result.vector, result.patches.num_rows) == ("empty", None, 0)
    with pytest.raises(ValueError, match="Slide blank has no vector: no tissue found"):
        np.asarray(result)


def test_a_slide_smaller_than_a_patch_is_padded(
    random_encoder: SlideEncoder, tmp_path: Path
) -> None:
    path = make_slide(tmp_path / "tiny.svs", 800, 800, tissue="full", downsamples=(1,))
    result = random_encoder.encode(path)
    assert result.status == "ok_with_warnings"
    assert result.patches.num_rows == result.provenance.patches_with_missing_pixels == 1
    assert "over the slide's border" in result.reason


def test_a_slide_without_spacing_names_the_way_out(
    small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    path = make_slide(tmp_path / "s.svs", 512, 512, mpp=None)
    with pytest.raises(SlideResolutionError, match=r"encode\(path, mpp=0\.25\)"):
        small_encoder.encode(path)


def test_the_callers_spacing_is_used_and_recorded(
    small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    path = make_slide(tmp_path / "s.svs", 700, 700, mpp=None, tissue="full")
    spacing = small_encoder.encode(path, mpp=0.25).provenance.spacing
    assert (spacing.slide_mpp, spacing.source) == (0.25, "argument")


def test_a_damaged_stored_tile_costs_its_patch_and_nothing_else(
    small_encoder: SlideEncoder,
    intact: SlideEmbedding,
    slide_copy: Path,
    damaged_at: tuple[int, int],
) -> None:
    result = small_encoder.encode(slide_copy)
    (bad,) = result.provenance.bad_regions
    assert ((bad.x, bad.y), bad.stage, result.status) == (damaged_at, "patch", "ok_with_warnings")
    good = [row for row in intact.patches.to_pylist() if (row["x"], row["y"]) != damaged_at]
    expected = np.average(
        [row["vector"] for row in good], axis=0, weights=[row["context_score"] for row in good]
    )
    assert np.abs(result.vector - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.usefixtures("damaged_at")
@pytest.mark.parametrize("threads", [0, 2])
def test_a_bad_region_is_an_error_when_it_should_be(
    small_encoder: SlideEncoder, slide_copy: Path, threads: int
) -> None:
    strict = with_read(small_encoder, on_bad_region="raise")
    with pytest.raises(SlideCorruptError, match="cannot be decoded"):
        strict.encode(slide_copy, threads=threads)
    assert not reading_threads()


@pytest.mark.usefixtures("damaged_at")
def test_one_bad_region_too_many_fails_the_slide(
    small_encoder: SlideEncoder, slide_copy: Path
) -> None:
    strict = with_read(small_encoder, always_allowed=0, max_bad_share=0)
    with pytest.raises(SlideCorruptError, match=r"at most 0 may fail.*max_bad_share"):
        strict.encode(slide_copy)


def test_a_slide_of_bad_regions_only_fails_however_many_are_allowed(
    small_encoder: SlideEncoder, intact: SlideEmbedding, slide_copy: Path
) -> None:
    for row in intact.patches.to_pylist():
        damage_stored_tile(slide_copy, row["x"], row["y"])
    with pytest.raises(SlideCorruptError, match="could not be decoded"):
        with_read(small_encoder, max_bad_share=1).encode(slide_copy)


@pytest.mark.parametrize("threads", [0, 1])
def test_a_slide_replaced_while_it_is_read_is_an_error(
    small_encoder: SlideEncoder, slide_copy: Path, tmp_path: Path, threads: int
) -> None:
    other = Path(shutil.copy(slide_copy, tmp_path / "other.svs"))

    def replace(_done: int, _total: int) -> None:
        if other.exists():
            other.replace(slide_copy)

    with pytest.raises(SlideChangedError, match="Encode it again") as caught:
        small_encoder.encode(slide_copy, threads=threads, progress=replace)
    assert caught.value.retryable


def test_nothing_that_is_written_names_the_file_or_quotes_its_description(
    small_encoder: SlideEncoder, slide_copy: Path, damaged_at: tuple[int, int]
) -> None:
    data = slide_copy.read_bytes()
    assert b"v12.0.15" in data
    path = slide_copy.with_name("Smithson-1958.svs")
    path.write_bytes(data.replace(b"v12.0.15", b"DoeJane7"))
    result = small_encoder.encode(path, slide_id="s1")
    assert result.provenance.bad_regions, f"the decoder's message at {damaged_at} is part of this"
    folder = path.parent / "out"
    folder.mkdir()
    result.to_parquet(folder / "s1.parquet")
    result.to_geojson(folder / "s1.geojson")
    result_text = repr(result) + result.provenance.model_dump_json() + result.reason
    written = result_text.encode() + b"".join(file.read_bytes() for file in folder.iterdir())
    for secret in ("Smithson", "1958", "DoeJane7", "Aperio Image", str(path.parent)):
        assert secret.encode() not in written


def test_a_decoders_message_that_names_the_file_is_not_kept(
    small_encoder: SlideEncoder, made_slide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_once(slide: Slide, location: tuple[int, int], plan: PatchPlan) -> PatchPixels:
        monkeypatch.setattr(reading, "read_patch", read_patch)
        raise SlideCorruptError from OSError(f"Couldn't read {slide.path}")

    monkeypatch.setattr(reading, "read_patch", fail_once)
    (bad,) = small_encoder.encode(made_slide, threads=0).provenance.bad_regions
    assert bad.reason == "could not be decoded"


def test_progress_counts_every_patch_once(
    small_encoder: SlideEncoder, made_slide: Path, intact: SlideEmbedding
) -> None:
    calls: list[tuple[int, int]] = []
    small_encoder.encode(
        made_slide, batch_size=2, progress=lambda done, of: calls.append((done, of))
    )
    total = intact.patches.num_rows
    assert calls == [(min(done, total), total) for done in range(2, total + 2, 2)]


def test_a_caller_that_stops_early_leaves_no_reading_thread(
    small_encoder: SlideEncoder, made_slide: Path
) -> None:
    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small_encoder.encode(made_slide, batch_size=1, threads=2, progress=stop)
    assert not reading_threads()


def with_little_memory(encoder: SlideEncoder, limit: int) -> tuple[SlideEncoder, list[int]]:
    """Return an encoder whose device has no room for more images, and what it is asked for."""
    twin, asked = encoder.with_config(encoder.config), list[int]()
    compute = twin.model.forward

    def forward(patches: torch.Tensor, images: int) -> PatchFeatures:
        asked.append(images)
        if images > limit:
            raise torch.OutOfMemoryError
        return compute(patches, images)

    twin.model.forward = forward  # type: ignore[method-assign, assignment]
    return twin, asked


def test_a_full_device_is_given_smaller_passes_and_remembered(
    small_encoder: SlideEncoder, made_slide: Path, intact: SlideEmbedding
) -> None:
    encoder, asked = with_little_memory(small_encoder, limit=2)
    found = encoder.encode(made_slide).vector
    assert np.abs(found - intact.vector).max() <= 1e-5 * np.abs(intact.vector).max()
    assert asked[:3] == [8, 4, 2]
    assert set(asked[3:]) == {2}


def test_a_device_without_room_for_one_image_is_an_error(
    small_encoder: SlideEncoder, made_slide: Path
) -> None:
    encoder, _ = with_little_memory(small_encoder, limit=0)
    with pytest.raises(DeviceError, match="no memory for one image"):
        encoder.encode(made_slide)
    assert not reading_threads()


@pytest.mark.parametrize(
    ("wrong", "least"),
    [({"threads": -1}, 0), ({"batch_size": 0}, 1), ({"threads": 1.5}, 0), ({"batch_size": "x"}, 1)],
)
def test_impossible_arguments_are_refused(
    small_encoder: SlideEncoder, made_slide: Path, wrong: dict[str, Any], least: int
) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(SettingError, match=f"{name}={value!r} cannot be: .* at least {least}"):
        small_encoder.encode(made_slide, **wrong)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_encoding_leaves_no_open_file(small_encoder: SlideEncoder, made_slide: Path) -> None:
    small_encoder.encode(made_slide, threads=2)
    before = len(list(Path("/proc/self/fd").iterdir()))
    small_encoder.encode(made_slide, threads=2)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_batch_is_computed_while_the_one_before_is_not_yet_looked_at(
    small_slide: Path, small_encoder: SlideEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A GPU answers later, and waiting for each answer would leave it idle."""
    order: list[str] = []
    compute, add = small_encoder.backend().features, PatchAccumulator.add

    def computed(pixels: torch.Tensor) -> PatchFeatures:
        order.append("compute")
        return compute(pixels)

    def added(self: PatchAccumulator, *batch: Any) -> None:
        order.append("add")
        add(self, *batch)

    monkeypatch.setattr(PatchAccumulator, "add", added)
    with open_slide(small_slide) as slide:
        survey = survey_slide(slide, small_encoder.config)
        few = replace(survey, grid=replace(survey.grid, locations=survey.grid.locations[:6]))
        encode_patches(slide, few, small_encoder.config, computed, batch_size=2, threads=0)
    assert order == ["compute", "compute", "add", "compute", "add", "add"]


def test_a_preset_is_that_of_an_encoder_with_its_settings(
    small_encoder: SlideEncoder, tiny_slide: Path
) -> None:
    for preset in ("auto", "biopsy"):
        named = small_encoder.encode(tiny_slide, preset=preset)
        alone = small_encoder.with_config(small_encoder.config.with_preset(preset))
        assert named.provenance.model.fingerprint == alone.fingerprint
        np.testing.assert_array_equal(named.vector, alone.encode(tiny_slide).vector)
