"""Encode the slides of a cohort: resume, note every end, stop cleanly."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msfusion_sdk.cohort.encoding.plan import Plan, SlideRow, plan_run
from msfusion_sdk.cohort.encoding.telling import Teller
from msfusion_sdk.cohort.store.ledger import Ledger, SlideStatus
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.cohort.workers.pool import StoreFailed
from msfusion_sdk.cohort.workers.retries import ShowPatches
from msfusion_sdk.cohort.workers.stopping import Stop, stop_on_signals
from msfusion_sdk.cohort.workers.worker import SlideTask
from msfusion_sdk.errors import ExitCode, RunInterruptedError, StoreError
from msfusion_sdk.files import probe_folder

if TYPE_CHECKING:
    from msfusion_sdk.cohort.encoding.run_report import RunState

__all__ = ["EncodingRun", "Engine", "RunProgress", "run_encoding"]

BREAKER_AFTER = 20
"""Slides that must have ended before a share of failures says anything."""
GONE = ("SlideNotFound", "SlideAccess")
"""Codes of files that were there when the run began: in a row, a disk went away."""


@dataclass
class RunProgress:
    """How far a run is, for whoever shows it."""

    total: int
    ended: int = 0
    failed: int = 0
    patches: int = 0
    started: float = field(default_factory=time.monotonic)
    in_hand: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Patches done and in all, by slide id; 0 and 0 until they are known."""

    @property
    def patches_per_s(self) -> float:
        """Patches that this run has encoded by the second."""
        done = self.patches + sum(done for done, _ in self.in_hand.values())
        return done / max(1e-9, time.monotonic() - self.started)


@dataclass(frozen=True)
class EncodingRun:
    """What a run has done."""

    fingerprint: str
    statuses: tuple[SlideStatus, ...]
    """Of the slides that the run was asked for and came to, by slide id."""
    total: int
    """Slides that the run was asked for."""
    encoded: int
    """Slides that this run has encoded; the others had been done before, or failed."""
    patches: int
    seconds: float
    too_many_failures: bool = False
    """Whether more slides failed than the run was to bear."""
    stopped_by: str = ""
    """What ended it before its time, a signal or a full disk; '' when it came to its end."""

    @property
    def failed(self) -> tuple[SlideStatus, ...]:
        """The slides that were tried and have no vector."""
        return tuple(status for status in self.statuses if not status.is_done)

    @property
    def counts(self) -> dict[str, int]:
        """Number of slides by status."""
        return dict(Counter(status.status for status in self.statuses))

    @property
    def stopped_early(self) -> bool:
        """Whether so many slides failed that the others were left alone."""
        return len(self.statuses) < self.total and not self.stopped_by

    @property
    def all_missing(self) -> bool:
        """Whether every slide that failed has no file: a disk may not be mounted."""
        return bool(self.failed) and {status.code for status in self.failed} == {"SlideNotFound"}

    @property
    def exit_code(self) -> ExitCode:
        """What the command line returns."""
        if self.stopped_early or self.too_many_failures:
            return ExitCode.TOO_MANY_FAILURES
        return ExitCode.FINISHED_WITH_FAILURES if self.failed else ExitCode.OK


class Engine(Protocol):
    """Carries out tasks."""

    def __call__(
        self, tasks: list[SlideTask], *, stop: Stop, show_patches: ShowPatches
    ) -> Iterator[SlideStatus | StoreFailed | None]:
        """Yield how each task ended, and None in between; closing it ends all work at once."""


def _failures(ledger: Ledger) -> set[tuple[str, str]]:
    """Return which slides failed when they were last tried, and with which code."""
    try:
        latest = ledger.latest().values()
    except StoreError:
        # Status and doctor name what is damaged; that nothing is known ends a run at most sooner.
        return set()
    return {(status.slide_id, status.code) for status in latest if not status.is_done}


class _Run:
    """The statuses of a run, and what follows from them."""

    def __init__(
        self, plan: Plan, ledger: Ledger, total: int, max_failures: float, teller: Teller | None
    ) -> None:
        self.ledger, self.max_failures, self.stop = ledger, max_failures, Stop()
        self.teller, self.too_many_failures = teller, False
        if teller is not None:
            teller.before(plan.done, len(plan.refused))
        # Before this run writes into it.
        self._failed_before = _failures(ledger)
        self._failed_again = 0
        self._refused = len(plan.refused)
        self._gone_in_a_row = 0
        self.statuses = {status.slide_id: status for status in plan.done}
        self.progress = RunProgress(total, ended=len(plan.done))
        self.encoded = 0
        for status in plan.refused:
            self._note(status)
        # The others can be looked at: what could not be is a share of all.
        self._stop_if(self._is_too_many(self._refused, total))

    def note(self, status: SlideStatus) -> None:
        """Take down how a slide ended that somebody worked on."""
        self._note(status)
        again = (status.slide_id, status.code) in self._failed_before
        self._failed_again += again
        is_gone = not again and status.code in GONE
        self._gone_in_a_row = self._gone_in_a_row + 1 if is_gone else 0
        self._stop_if(self._fails_too_often())

    def _stop_if(self, too_many: bool) -> None:
        if too_many:
            self.too_many_failures = True
            self.stop.request()

    def _note(self, status: SlideStatus) -> None:
        self.statuses[status.slide_id] = self.ledger.write(status)
        if self.teller is not None:
            self.teller.ended(status)
        progress = self.progress
        progress.in_hand.pop(status.slide_id, None)
        progress.ended += 1
        progress.failed += not status.is_done
        progress.patches += status.n_patches
        self.encoded += status.is_done

    def _fails_too_often(self) -> bool:
        """Return whether too many slides fail of those that are new to the run, or of all.

        Twenty files in a row that were there when the run began and are gone are a disk.
        Slides that were done before say nothing about this run, nor do those that fail as they did
        before: a run that goes on meets all of these again, and was to bear them the first time.
        """
        failed = self.progress.failed - self._refused
        anew = failed - self._failed_again
        return (
            self._is_too_many(anew, self.encoded + anew)
            or self._is_too_many(failed, self.progress.ended - self._refused)
            or self._is_too_many(self.progress.failed, self.progress.total)
            or (self._gone_in_a_row >= BREAKER_AFTER and self.max_failures < 1)
        )

    def _is_too_many(self, failed: int, tried: int) -> bool:
        return tried >= BREAKER_AFTER and failed > self.max_failures * tried

    def show_patches(self, slide_id: str, done: int, total: int) -> None:
        self.progress.in_hand[slide_id] = (done, total)


def run_encoding(
    root: Path,
    rows: list[SlideRow],
    fingerprint: str,
    engine: Engine,
    *,
    patches: bool,
    max_failures: float,
    show: Callable[[RunProgress], None] | None = None,
    teller: Teller | None = None,
    leave: Callable[[EncodingRun], object] | None = None,
) -> EncodingRun:
    """Encode ``rows`` into the store under ``root``.

    Parameters
    ----------
    max_failures : float
        Share of the slides tried above which the run ends, looked at after 20 slides.
    teller : Teller, optional
        Told of everything: writes log lines and the files of dashboards.
    leave : callable, optional
        Called with what was done, also when the run is stopped.

    Raises
    ------
    StoreError
        When results can no longer be stored; those committed before stay.
    RunInterruptedError
        After SIGINT, SIGTERM or SIGHUP.
    """
    start = time.monotonic()
    store = EmbeddingStore(root, fingerprint)
    store.prepare()
    # Before hours of work: a folder that cannot hold results is found now.
    probe_folder(store.folder)
    plan = plan_run(rows, store, patches=patches)
    run = _Run(plan, Ledger(root, fingerprint), len(rows), max_failures, teller)
    stopped: RunInterruptedError | StoreError | None = None
    state: RunState = "failed"
    try:
        if plan.tasks and not run.stop.requested:
            _carry_out(run, plan.tasks, engine, show)
        state = "stopped" if run.too_many_failures else "finished"
    except (RunInterruptedError, StoreError) as error:
        state = "interrupted" if isinstance(error, RunInterruptedError) else "failed"
        stopped = error
    finally:
        if teller is not None:
            teller.finish(state)
    done = EncodingRun(
        fingerprint=fingerprint,
        statuses=tuple(run.statuses[name] for name in sorted(run.statuses)),
        total=len(rows),
        encoded=run.encoded,
        patches=run.progress.patches,
        seconds=time.monotonic() - start,
        too_many_failures=run.too_many_failures,
        stopped_by="" if stopped is None else str(stopped),
    )
    if leave is not None:
        # On a full disk the reason for that comes first.
        with suppress(StoreError) if stopped else nullcontext():
            leave(done)
    if stopped is not None:
        raise stopped
    return done


def _carry_out(
    run: _Run,
    tasks: list[SlideTask],
    engine: Engine,
    show: Callable[[RunProgress], None] | None,
) -> None:
    events = engine(tasks, stop=run.stop, show_patches=run.show_patches)
    with stop_on_signals(run.stop), closing(events):  # type: ignore[type-var]
        for event in events:
            if isinstance(event, StoreFailed):
                raise _with_count(event.error, run.encoded)
            if event is not None:
                run.note(event)
            if show:
                show(run.progress)
            if run.teller is not None:
                run.teller.tick(run.progress.in_hand)
            # Leaving the loop closes the engine, which ends the workers at once.
            if run.stop.expired:
                break
    if run.stop.signum is not None:
        name = signal.Signals(run.stop.signum).name
        left = run.progress.total - run.progress.ended
        msg = (
            f"Stopped by {name}: {run.encoded} slides were encoded and stay, {left} are left. Run "
            "the same again to go on."
        )
        raise RunInterruptedError(msg, signum=run.stop.signum)


def _with_count(error: StoreError, encoded: int) -> StoreError:
    """Return the same error with how much is safe."""
    return type(error)(f"{error} {encoded} slides of this run are committed and stay readable.")
