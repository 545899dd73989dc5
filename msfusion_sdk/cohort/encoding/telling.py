"""What a run says while it goes: a line per slide, one a minute, and files for dashboards."""

import json
import os
import platform
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from msfusion_sdk.cohort.encoding.metrics import METRIC, metrics_text
from msfusion_sdk.cohort.encoding.repeats import Repeats
from msfusion_sdk.cohort.encoding.run_report import RunReport, RunState
from msfusion_sdk.cohort.store.ledger import SlideStatus
from msfusion_sdk.errors import StoreError
from msfusion_sdk.files import made_folder, store_text
from msfusion_sdk.files.replacing import holds, require_replaceable
from msfusion_sdk.monitoring.log import log

__all__ = ["Teller", "progress_path"]

LINE_S = 60.0
FILE_S = 2.0


def progress_path(root: Path, fingerprint: str, shard: str | None) -> Path:
    """Return where a run says how far it is: beside the ledger, a file for each shard."""
    part = "" if shard is None else f"-{shard.replace('/', '-of-')}"
    return root / "ledger" / fingerprint / f"progress{part}.json"


class Teller:
    """Writes log lines and files of one run; a file that cannot be written stops nothing.

    Parameters
    ----------
    path : Path
        Of ``progress.json``.
    fingerprint, shard
        Of the run.
    total : int
        Slides that it was asked for.
    metrics : Path, optional
        Of an OpenMetrics text file.

    Raises
    ------
    StoreSchemaError
        When a file lies there that holds no metrics of ours.
    """

    def __init__(
        self, path: Path, fingerprint: str, shard: str | None, total: int, metrics: Path | None
    ) -> None:
        if metrics is not None:
            require_replaceable(metrics, "a file of metrics", lambda there: holds(there, METRIC))
        self._path, self._metrics = path, metrics
        self._fingerprint, self._shard, self._total = fingerprint, shard, total
        self._started = time.monotonic()
        self._started_at = _now()
        self._line_at, self._file_at = self._started, 0.0
        self._repeats = Repeats()
        self._statuses: Counter[str] = Counter()
        self._ended = 0
        """Slides that have ended in this run, failed ones too."""
        self._refused = 0
        """Those of them that nobody worked on: they take no time, and are in no rate."""
        self._failed = 0
        self._encoded = 0
        self._patches = 0

    def before(self, statuses: list[SlideStatus], refused: int) -> None:
        """Say what is done already, and how many slides cannot even be opened."""
        self._statuses.update(status.status for status in statuses)
        self._refused = refused
        left = self._total - len(statuses)
        text = f"{self._total} slides: {len(statuses)} done before, {left} to do"
        if refused:
            text += f", {refused} of which are not there or cannot be read"
        log.info(text, extra={"msfusion": {"event": "start", "total": self._total, "left": left}})

    def ended(self, status: SlideStatus) -> None:
        """Say how one slide ended; of many that fail alike one line says it."""
        self._statuses[status.status] += 1
        self._ended += 1
        self._failed += not status.is_done
        self._encoded += status.is_done
        self._patches += status.n_patches
        if not self._repeats.needs_line(status):
            return
        facts = {"event": "slide", **status.model_dump(exclude={"retryable", "at"})}
        if status.is_done:
            log.info(
                "%s %s: %d patches in %.1f s",
                status.slide_id,
                status.status,
                status.n_patches,
                status.seconds,
                extra={"msfusion": facts},
            )
        else:
            text = f"{status.slide_id} {status.status}: [{status.code}] {status.reason}"
            log.warning(text, extra={"msfusion": facts})

    def tick(self, in_hand: dict[str, tuple[int, int]]) -> None:
        """Write a line a minute and the files every few seconds; called all the time."""
        now = time.monotonic()
        if now - self._file_at >= FILE_S:
            self._file_at = now
            self._write(self.report("running", in_hand))
        if now - self._line_at >= LINE_S:
            self._line_at = now
            self._repeats.tell()
            report = self.report("running", in_hand)
            facts = {"event": "progress", **report.model_dump(exclude={"in_hand"})}
            log.info(_line(report), extra={"msfusion": facts})

    def finish(self, state: RunState) -> None:
        """Say how the run ended."""
        self._repeats.tell()
        report = self.report(state, {})
        self._write(report)
        text = f"{state}: {_line(report)}"
        log.info(text, extra={"msfusion": {"event": "end", **report.model_dump()}})

    def report(self, state: RunState, in_hand: dict[str, tuple[int, int]]) -> RunReport:
        """Return how far the run is."""
        seconds = max(1e-9, time.monotonic() - self._started)
        done = sum(self._statuses.values())
        patches = self._patches + sum(part for part, _ in in_hand.values())
        rate = max(0, self._ended - self._refused) / seconds
        left = self._total - done
        return RunReport(
            state=state,
            fingerprint=self._fingerprint,
            shard=self._shard,
            host=platform.node(),
            pid=os.getpid(),
            started_at=self._started_at,
            updated_at=_now(),
            total=self._total,
            done=done,
            failed=self._failed,
            statuses=dict(sorted(self._statuses.items())),
            encoded=self._encoded,
            patches=self._patches,
            patches_per_s=round(patches / seconds, 3),
            slides_per_hour=round(3600 * rate, 3),
            eta_s=round(left / rate, 1) if rate and state == "running" else None,
            in_hand=dict(in_hand),
        )

    def _write(self, report: RunReport) -> None:
        try:
            made_folder(self._path.parent)
            store_text(self._path, json.dumps(report.model_dump(), indent=1) + "\n")
            if self._metrics is not None:
                store_text(self._metrics, metrics_text(report))
        except StoreError as error:
            # The results matter, and their own writing says when a disk is full.
            log.debug("progress was not written: %s", error)


def _line(report: RunReport) -> str:
    rate = f", {report.slides_per_hour:.0f} per hour" if report.slides_per_hour else ""
    eta = "" if report.eta_s is None else f", {_duration(report.eta_s)} left"
    return f"{report.done} of {report.total} slides done, {report.failed} failed{rate}{eta}"


def _duration(seconds: float) -> str:
    """Return hours and minutes, or minutes, or seconds."""
    if seconds >= 3600:
        return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
