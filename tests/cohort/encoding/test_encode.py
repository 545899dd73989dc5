"""A cohort encoded by real worker processes: every slide ends with a status of its own."""

import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from msfusion_sdk import Cohort, SlideEmbedding, SlideEncoder
from msfusion_sdk.cohort.encoding.run import RunProgress
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.cohort.workers.stopping import Stop, stop_on_signals
from msfusion_sdk.errors import ExitCode, RunInterruptedError
from msfusion_sdk.testing import damage_stored_tile, make_slide

pytestmark = [pytest.mark.process, pytest.mark.posix]


def make_cohort(
    folder: Path, slides: dict[str, Path], mpp: dict[str, float] | None = None
) -> Cohort:
    """A patient for every two slides."""
    owners = {name: f"P{number // 2}" for number, name in enumerate(slides)}
    patients = pd.DataFrame({"patient_id": sorted(set(owners.values()))})
    table = pd.DataFrame(
        {
            "slide_id": list(slides),
            "patient_id": list(owners.values()),
            "path": [str(path) for path in slides.values()],
            "mpp": [(mpp or {}).get(name) for name in slides],
        }
    )
    return Cohort.create(folder, patients=patients, slides=table)


@pytest.fixture(scope="module")
def planted(slide_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Four good slides and one of each kind of bad one."""
    folder = tmp_path_factory.mktemp("planted")
    slides = {path.stem: path for path in sorted(slide_folder.glob("*.svs"))}
    whole = slides["a"].read_bytes()
    bad = {name: folder / f"{name}.svs" for name in ("truncated", "zero", "fifo", "gone", "width")}
    bad["truncated"].write_bytes(whole[: len(whole) // 2])
    bad["zero"].touch()
    os.mkfifo(bad["fifo"])
    bad["width"].write_bytes(whole)
    make_absurdly_wide_tiles(bad["width"])
    bad["directory"] = folder / "directory"
    bad["directory"].mkdir()
    bad["mrxs"] = folder / "alone.mrxs"
    bad["mrxs"].write_bytes(b"\0" * 500)
    bad["no_mpp"] = make_slide(folder / "no_mpp.svs", 768, 768, tissue="full", mpp=None)
    bad["blank"] = make_slide(folder / "blank.svs", 768, 768, tissue="none")
    bad["one_tile"] = make_slide(folder / "one_tile.svs", 1280, 768, tissue="full")
    damage_stored_tile(bad["one_tile"], 300, 300)
    return slides | bad


def make_absurdly_wide_tiles(path: Path) -> None:
    """State stored tiles two billion pixels wide: reading one aborts OpenSlide's process."""
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages.first.tags["TileWidth"].overwrite(2**31 - 16, dtype="I")


@pytest.fixture(scope="module")
def encoded(
    planted: dict[str, Path], small_encoder: SlideEncoder, tmp_path_factory: pytest.TempPathFactory
) -> Cohort:
    cohort = make_cohort(tmp_path_factory.mktemp("encoded") / "cohort", planted)
    seen: list[int] = []
    run = cohort.encode(
        small_encoder,
        workers=2,
        max_failures=1,
        progress=lambda progress: seen.append(progress.ended),
    )
    assert run.exit_code is ExitCode.FINISHED_WITH_FAILURES
    assert seen[-1] == len(planted) == len(run.statuses)
    return cohort


def test_every_bad_slide_has_its_own_code_and_reason(encoded: Cohort) -> None:
    failures = {status.slide_id: status for status in encoded.status().failures}
    assert {name: status.code for name, status in failures.items()} == {
        "truncated": "SlideCorrupt",
        "zero": "SlideCorrupt",
        "fifo": "SlideFormat",
        "gone": "SlideNotFound",
        "width": "SlideGeometry",
        "directory": "SlideFormat",
        "mrxs": "SlideFormat",
        "no_mpp": "SlideResolution",
    }
    assert all(status.reason and status.at for status in failures.values())


def test_good_slides_are_encoded_as_alone(
    encoded: Cohort, results: dict[str, SlideEmbedding]
) -> None:
    table = encoded.tables("all")["slide"]
    for name, result in results.items():
        vector = table.xs(name, level="slide_id").to_numpy()[0]
        assert np.allclose(vector, result.vector, rtol=1e-5, atol=1e-6)


def test_a_blank_slide_is_empty_and_a_damaged_tile_is_a_warning(encoded: Cohort) -> None:
    counts = encoded.status().counts
    assert counts["empty"] == 1
    assert counts["failed"] == 8
    assert counts["ok_with_warnings"] == 5, "all tissue, and one with a tile that is lost"


def test_the_summary_names_every_code_with_an_example(encoded: Cohort) -> None:
    text = (encoded.root / "summary.md").read_text()
    assert "## SlideCorrupt: 2" in text
    assert "- `no_mpp`:" in text


def test_encoding_again_tries_only_what_failed(
    encoded: Cohort, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    again = Cohort.open(shutil.copytree(encoded.root, tmp_path / "again"))
    before = {p.name: p.read_bytes() for p in (again.root / "embeddings").rglob("*.parquet")}
    run = again.encode(small_encoder, workers=1, max_failures=1)
    assert run.encoded == 0
    assert run.counts["failed"] == 8
    after = {p.name: p.read_bytes() for p in (again.root / "embeddings").rglob("*.parquet")}
    assert after == before


def test_with_its_spacing_given_the_slide_without_one_is_encoded(
    planted: dict[str, Path], small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    slides = {"no_mpp": planted["no_mpp"]}
    cohort = make_cohort(tmp_path / "cohort", slides, mpp={"no_mpp": 0.25})
    run = cohort.encode(small_encoder)
    assert [status.status for status in run.statuses] == ["ok_with_warnings"]


def worker_pids() -> list[int]:
    return [child.pid for child in multiprocessing.active_children() if child.pid]


def has_patches(progress: RunProgress, slide_id: str) -> bool:
    """Whether the patches of a slide are being encoded."""
    return progress.in_hand.get(slide_id, (0, 0)) != (0, 0)


class Saboteur:
    """Sends a signal to the workers whenever patches of a given slide are encoded."""

    def __init__(self, slide_id: str, signum: int) -> None:
        self.slide_id, self.signum = slide_id, signum

    def __call__(self, progress: RunProgress) -> None:
        if has_patches(progress, self.slide_id):
            for pid in worker_pids():
                os.kill(pid, self.signum)
            progress.in_hand.pop(self.slide_id)


@pytest.fixture
def long_slide(tmp_path: Path) -> Path:
    """So many patches that a signal always comes while it is encoded."""
    return make_slide(tmp_path / "long.svs", 3000, 2000, tissue="full")


def test_a_slide_whose_reader_dies_twice_is_crashed_and_the_others_go_on(
    slide_folder: Path, long_slide: Path, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    cohort = make_cohort(tmp_path / "c", {"b": slide_folder / "b.svs", "long": long_slide})
    run = cohort.encode(small_encoder, progress=Saboteur("long", signal.SIGKILL))
    ended = {status.slide_id: status for status in run.statuses}
    assert (ended["long"].status, ended["long"].code) == ("crashed", "ReaderCrashed")
    assert ended["long"].attempts == 2
    assert ended["b"].is_done


def test_a_slide_that_hangs_times_out_and_the_others_go_on(
    slide_folder: Path, long_slide: Path, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    cohort = make_cohort(tmp_path / "c", {"b": slide_folder / "b.svs", "long": long_slide})
    run = cohort.encode(small_encoder, timeout_s=8, progress=Saboteur("long", signal.SIGSTOP))
    ended = {status.slide_id: status for status in run.statuses}
    assert (ended["long"].status, ended["long"].code) == ("timeout", "SlideTimeout")
    assert ended["b"].is_done


def test_a_signal_ends_the_run_with_what_is_done_committed(
    slide_folder: Path, long_slide: Path, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    slides = {"long": long_slide, "b": slide_folder / "b.svs"}
    cohort = make_cohort(tmp_path / "c", slides)

    sent: list[int] = []

    def interrupt(progress: RunProgress) -> None:
        # Once: a signal sent when the run has ended would end the tests.
        if has_patches(progress, "long") and not sent:
            sent.append(signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)  # the second time: at once

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(RunInterruptedError, match="Run the same again") as caught:
        cohort.encode(small_encoder, progress=interrupt)
    assert caught.value.signum == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before
    assert cohort.status().counts.get("not_encoded", 0) >= 1
    assert cohort.encode(small_encoder).exit_code is ExitCode.OK


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_first_signal_stops_new_work_and_a_second_ends_all(name: str) -> None:
    signum = signal.Signals[name]
    stop = Stop()
    with stop_on_signals(stop):
        assert not stop.requested
        os.kill(os.getpid(), signum)
        assert (stop.requested, stop.expired, stop.signum) == (True, False, signum)
        os.kill(os.getpid(), signum)
        assert stop.expired


def test_too_many_failures_stop_the_run(
    slide_folder: Path, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    slides = {"a": slide_folder / "a.svs"} | {f"x{i}": tmp_path / f"{i}.svs" for i in range(25)}
    run = make_cohort(tmp_path / "c", slides).encode(small_encoder)
    assert run.exit_code is ExitCode.TOO_MANY_FAILURES
    assert run.stopped_early


def test_slides_are_read_from_their_local_copies_which_do_not_stay(
    slide_folder: Path, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    slides = {name: slide_folder / f"{name}.svs" for name in "ab"}
    cohort = make_cohort(tmp_path / "c", slides)
    staging = tmp_path / "staging"
    watched: set[str] = set()

    def watch(_: RunProgress) -> None:
        watched.update(path.name for path in staging.rglob("*.svs"))

    assert cohort.encode(small_encoder, staging=staging, progress=watch).exit_code is ExitCode.OK
    assert watched == {"a.svs", "b.svs"}
    assert list(staging.iterdir()) == []
    assert cohort.encode(small_encoder).encoded == 0, "a copy counts as the slide itself"


def test_a_slide_that_is_replaced_is_encoded_anew(
    slide_folder: Path, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    path = tmp_path / "x.svs"
    path.write_bytes((slide_folder / "a.svs").read_bytes())
    cohort = make_cohort(tmp_path / "c", {"x": path})
    store = EmbeddingStore(cohort.root, small_encoder.fingerprint)
    store.prepare()
    store.commit(small_encoder.encode(path))
    before = cohort.tables()["slide"].to_numpy()
    path.write_bytes((slide_folder / "b.svs").read_bytes())
    assert cohort.encode(small_encoder).encoded == 1
    assert not np.allclose(cohort.tables()["slide"].to_numpy(), before)


def test_a_run_that_is_stopped_by_a_signal_leaves_a_summary(
    slide_folder: Path, small_encoder: SlideEncoder, tmp_path: Path
) -> None:
    cohort = make_cohort(tmp_path / "c", {name: slide_folder / f"{name}.svs" for name in "ab"})

    def stop(_: RunProgress) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(RunInterruptedError, match="Stopped by SIGTERM") as stopped:
        cohort.encode(small_encoder, progress=stop)
    assert stopped.value.signum == signal.SIGTERM
    assert "**Stopped by SIGTERM" in (cohort.root / "summary.md").read_text()
