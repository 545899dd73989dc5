"""What a run says while it goes, and when it ends; engines here are stubs."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from msfusion_sdk import Cohort
from msfusion_sdk.cohort.encoding import telling
from msfusion_sdk.cohort.encoding.metrics import metrics_text
from msfusion_sdk.cohort.encoding.plan import SlideRow
from msfusion_sdk.cohort.encoding.run import EncodingRun, run_encoding
from msfusion_sdk.cohort.encoding.run_report import RunReport
from msfusion_sdk.cohort.encoding.telling import Teller, progress_path
from msfusion_sdk.cohort.encoding.watching import watch_cohort
from msfusion_sdk.cohort.store.ledger import SlideStatus
from msfusion_sdk.errors import ExitCode, RunInterruptedError, StoreSchemaError

FINGERPRINT = "f" * 64


@pytest.fixture
def rows(tmp_path: Path) -> list[SlideRow]:
    """Thirty files that can be looked at."""
    folder = tmp_path / "slides"
    folder.mkdir()
    made = []
    for number in range(30):
        path = folder / f"s{number:02d}.svs"
        path.write_bytes(b"II*\x00" + bytes(60))
        made.append(SlideRow(path.stem, path, None))
    return made


def engine(fails: Callable[[str], bool] = lambda _: False) -> Any:
    def run(tasks: list[Any], *, stop: Any, show_patches: Any) -> Iterator[SlideStatus | None]:
        for task in tasks:
            if stop.requested:
                return
            name = task.slide_id
            show_patches(name, 1, 2)
            yield None
            if fails(name):
                yield SlideStatus(slide_id=name, status="failed", code="SlideCorrupt", reason="bad")
            else:
                yield SlideStatus(slide_id=name, status="ok", n_patches=2, seconds=0.5)

    return run


def encode(root: Path, rows: list[SlideRow], made: Any, metrics: Path | None = None) -> EncodingRun:
    teller = Teller(progress_path(root, FINGERPRINT, None), FINGERPRINT, None, len(rows), metrics)
    return run_encoding(
        root, rows, FINGERPRINT, made, patches=False, max_failures=0.2, teller=teller
    )


def report(root: Path) -> RunReport:
    text = progress_path(root, FINGERPRINT, None).read_text()
    return RunReport.model_validate_json(text)


def test_there_is_a_line_for_the_start_every_slide_and_the_end(
    tmp_path: Path, rows: list[SlideRow], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "msfusion_sdk")
    encode(tmp_path, rows[:3], engine(lambda name: name == "s01"))
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "3 slides: 0 done before, 3 to do"
    assert "s00 ok: 2 patches in 0.5 s" in lines
    assert "s01 failed: [SlideCorrupt] bad" in lines
    assert lines[-1].startswith("finished: 3 of 3 slides done, 1 failed")
    facts = [getattr(record, "msfusion") for record in caplog.records]  # noqa: B009
    assert [one["event"] for one in facts] == ["start", *["slide"] * 3, "end"]


def test_slides_that_nobody_could_read_make_no_rate(
    tmp_path: Path, rows: list[SlideRow], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "msfusion_sdk")
    missing = [SlideRow(row.slide_id, tmp_path / "none.svs", None) for row in rows[:2]]
    encode(tmp_path, missing, engine())
    assert caplog.records[-1].getMessage() == "finished: 2 of 2 slides done, 2 failed"
    assert report(tmp_path).slides_per_hour == 0


def test_once_a_minute_a_line_says_how_far_it_is(
    tmp_path: Path,
    rows: list[SlideRow],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO, "msfusion_sdk")
    monkeypatch.setattr(telling, "LINE_S", 0.0)
    encode(tmp_path, rows[:2], engine())
    lines = [record.getMessage() for record in caplog.records]
    assert any(" of 2 slides done, 0 failed, " in line and "per hour" in line for line in lines)


def test_programs_see_how_far_it_is_in_a_file(
    tmp_path: Path, rows: list[SlideRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "FILE_S", 0.0)
    seen: list[RunReport] = []
    made = engine()

    def watched(tasks: list[Any], **settings: Any) -> Iterator[SlideStatus | None]:
        for event in made(tasks, **settings):
            yield event
            seen.append(report(tmp_path))

    encode(tmp_path, rows, watched, tmp_path / "msfusion.prom")
    assert {one.state for one in seen} == {"running"}
    assert any(one.in_hand and one.eta_s is not None for one in seen)
    last = report(tmp_path)
    assert (last.state, last.done, last.encoded, last.patches) == ("finished", 30, 30, 60)
    text = (tmp_path / "msfusion.prom").read_text()
    assert 'msfusion_slides{model="ffffffffffff",shard="",status="ok"} 30' in text
    assert text.endswith("# EOF\n")


def test_metrics_take_the_place_of_metrics_alone(tmp_path: Path, rows: list[SlideRow]) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    with pytest.raises(StoreSchemaError, match="is not a file of metrics that msfusion wrote"):
        encode(tmp_path, rows[:2], engine(), path)
    assert path.read_text() == "mine"
    path.unlink()
    for _ in range(2):  # those of an earlier run
        encode(tmp_path, rows[:2], engine(), path)


def test_every_sample_of_the_metrics_has_a_type_and_a_number(
    tmp_path: Path, rows: list[SlideRow]
) -> None:
    encode(tmp_path, rows[:2], engine())
    text = metrics_text(report(tmp_path).model_copy(update={"shard": 'a"\\b'}))
    types = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert {line.partition("{")[0] for line in samples} == types
    assert all(float(line.rpartition(" ")[2]) is not None for line in samples)
    assert r'shard="a\"\\b"' in text


@pytest.mark.parametrize(
    ("failing", "code", "state"),
    [
        (0, ExitCode.OK, "finished"),
        (5, ExitCode.FINISHED_WITH_FAILURES, "finished"),
        (30, ExitCode.TOO_MANY_FAILURES, "stopped"),
    ],
)
def test_the_exit_code_says_how_it_ended(
    tmp_path: Path, rows: list[SlideRow], failing: int, code: ExitCode, state: str
) -> None:
    run = encode(tmp_path, rows, engine(lambda name: int(name[1:]) >= 30 - failing))
    assert (run.exit_code, report(tmp_path).state) == (code, state)


@pytest.mark.parametrize(
    ("missing", "code"),
    [(3, ExitCode.FINISHED_WITH_FAILURES), (19, ExitCode.FINISHED_WITH_FAILURES), (40, 4), (20, 4)],
)
def test_files_that_are_all_missing_are_a_broken_mount(
    tmp_path: Path, missing: int, code: int
) -> None:
    gone = [SlideRow(f"s{n}", tmp_path / "mount" / f"s{n}.svs", None) for n in range(missing)]
    run = encode(tmp_path, gone, engine())
    assert (run.exit_code, run.all_missing) == (code, True)
    assert len(run.failed) == missing


def test_many_slides_that_are_gone_make_few_lines(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "msfusion_sdk")
    gone = [SlideRow(f"s{n}", tmp_path / "mount" / f"s{n}.svs", None) for n in range(500)]
    assert encode(tmp_path, gone, engine()).exit_code is ExitCode.TOO_MANY_FAILURES
    lines = [record.getMessage() for record in caplog.records]
    assert sum("[SlideNotFound] " in line for line in lines) == 20
    assert "480 more slides failed in a row with [SlideNotFound]. The ledger names each." in lines
    assert len(lines) == 20 + 3  # the start, the others together, the end


def rows_of(rows: list[SlideRow], times: int) -> list[SlideRow]:
    """The same files under names of their own."""
    return [SlideRow(f"{row.slide_id}-{n}", row.path, None) for n in range(times) for row in rows]


def test_a_few_files_of_many_that_are_missing_stop_nothing(
    tmp_path: Path, rows: list[SlideRow], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "msfusion_sdk")
    gone = [SlideRow(f"g{n}", tmp_path / f"g{n}.svs", None) for n in range(25)]
    run = encode(tmp_path, gone + rows_of(rows, 4), engine(lambda name: name == "s07-2"))
    assert (run.encoded, run.exit_code) == (119, ExitCode.FINISHED_WITH_FAILURES)
    lines = [record.getMessage() for record in caplog.records]
    assert sum("[SlideNotFound] " in line for line in lines) == 20
    assert sum(line.startswith("5 more slides failed") for line in lines) == 1
    assert "s07-2 failed: [SlideCorrupt] bad" in lines


@pytest.mark.parametrize(("bearable", "failed"), [(0.9, 20), (1.0, 25)])
def test_a_disk_that_goes_away_ends_the_run_at_once(
    tmp_path: Path, rows: list[SlideRow], bearable: float, failed: int
) -> None:
    def away(tasks: list[Any], *, stop: Any, show_patches: Any) -> Iterator[SlideStatus]:
        for number, task in enumerate(tasks):
            if stop.requested:
                return
            gone = {"status": "failed", "code": "SlideNotFound", "reason": "no such file"}
            how = {"status": "ok"} if number < 5 else gone
            yield SlideStatus.model_validate({"slide_id": task.slide_id, **how})

    run = run_encoding(tmp_path, rows, FINGERPRINT, away, patches=False, max_failures=bearable)
    assert (len(run.failed), run.encoded) == (failed, 5)
    assert run.exit_code == (4 if bearable < 1 else 3)


def test_a_run_that_is_stopped_says_so(tmp_path: Path, rows: list[SlideRow]) -> None:
    def interrupted(tasks: list[Any], *, stop: Any, show_patches: Any) -> Iterator[None]:
        stop.request(15)
        yield None

    with pytest.raises(RunInterruptedError):
        encode(tmp_path, rows, interrupted)
    assert report(tmp_path).state == "interrupted"


def test_a_progress_file_that_cannot_be_written_stops_nothing(
    tmp_path: Path, rows: list[SlideRow]
) -> None:
    assert encode(tmp_path, rows[:2], engine(), tmp_path / "no" / "m.prom").exit_code == 0


@pytest.fixture
def cohort(tmp_path: Path, rows: list[SlideRow]) -> Cohort:
    import pandas as pd

    names = [row.slide_id for row in rows]
    slides = {"slide_id": names, "patient_id": "p", "path": [str(row.path) for row in rows]}
    patients = pd.DataFrame({"patient_id": ["p"]})
    return Cohort.create(tmp_path / "cohort", patients=patients, slides=pd.DataFrame(slides))


def test_a_watcher_sees_counts_failures_and_runs(cohort: Cohort, rows: list[SlideRow]) -> None:
    assert watch_cohort(cohort).counts == {"not_encoded": 30}
    encode(cohort.root, rows[:25], engine(lambda name: name == "s03"))
    found = watch_cohort(cohort)
    # Stubs commit no part, so what they call done counts as lost.
    assert found.failures == {"SlideCorrupt": 1, "StoreCorrupt": 24}
    assert (found.last_hour, found.is_running) == (25, False)
    (run,) = found.runs
    assert (run.report.state, run.report.total, run.is_heard) == ("finished", 25, True)


def test_a_run_that_fell_silent_is_called_that(cohort: Cohort, rows: list[SlideRow]) -> None:
    encode(cohort.root, rows[:2], engine())
    path = progress_path(cohort.root, FINGERPRINT, None)
    text = json.loads(path.read_text()) | {"state": "running"}
    path.write_text(json.dumps(text | {"updated_at": "2020-01-01T00:00:00+00:00"}))
    assert not watch_cohort(cohort).runs[0].is_heard
    path.write_text(json.dumps(text))
    assert watch_cohort(cohort).is_running
    path.write_text("{")  # being replaced by something that is not ours
    assert watch_cohort(cohort).runs == ()
