"""What a run has to do: which slides, in which order, and which of them cannot even be read."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from msfusion_sdk.cohort.folder.moves import read_moves
from msfusion_sdk.cohort.store.ledger import SlideStatus, status_of
from msfusion_sdk.cohort.store.part import PartKey
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.cohort.workers.worker import SlideTask
from msfusion_sdk.errors import (
    DuplicateIdError,
    SettingError,
    SlideAccessError,
    SlideError,
    SlideNotFoundError,
)
from msfusion_sdk.places.url import Url
from msfusion_sdk.remote.listing import look_at_all
from msfusion_sdk.remote.slide import RemoteSlide
from msfusion_sdk.slides.files.dicom import read_instance
from msfusion_sdk.slides.files.stamp import FileStamp
from msfusion_sdk.slides.readers.file_kind import FileKind, Source, classify

__all__ = ["Plan", "SlideRow", "in_shard", "plan_run"]

SHARD = re.compile(r"(\d+)/(\d+)")


@dataclass(frozen=True)
class SlideRow:
    """A row of the slide table."""

    slide_id: str
    path: Path | Url
    mpp: float | None


@dataclass(frozen=True)
class Plan:
    """What a run finds before it starts."""

    tasks: list[SlideTask]
    """To do, the largest file first: so that no worker starts on it when the others are done."""
    done: list[SlideStatus]
    """Slides whose wanted part is there and intact."""
    refused: list[SlideStatus]
    """Slides that are neither there nor encoded, may not be read, or are no slides."""


def in_shard(slide_ids: Iterable[str], shard: str | None) -> set[str]:
    """Return the slide ids of one part of a run that is split over several processes.

    Parameters
    ----------
    shard : str, optional
        ``'i/n'`` for the i-th of n parts, counted from 1; None for all slides.

    Raises
    ------
    SettingError

    Examples
    --------
    >>> sorted(in_shard(["a", "b", "c"], "1/2"))
    ['a', 'c']
    """
    ordered = sorted(slide_ids)
    if shard is None:
        return set(ordered)
    match = SHARD.fullmatch(shard)
    i, n = map(int, match.groups()) if match else (0, 0)
    if not 1 <= i <= n:
        msg = (
            f"shard={shard!r} is not the i-th of n parts, counted from 1, such as '3/20'. For a "
            "SLURM array use --array=1-20."
        )
        raise SettingError(msg)
    # Every n-th: neighbours in the table are often alike in size, so that shards are even.
    return set(ordered[i - 1 :: n])


def plan_run(rows: Iterable[SlideRow], store: EmbeddingStore, *, patches: bool) -> Plan:
    """Look at every slide's file and part; nothing is decoded.

    Raises
    ------
    MissingExtraError
        When a slide is at an address, without the extra ``[cloud]``.
    """
    rows, plan = list(rows), Plan([], [], [])
    series: dict[str, str] = {}
    moves = read_moves(store.root)
    remotes = look_at_all(row.path for row in rows if isinstance(row.path, Url))
    for row in rows:
        try:
            stamp, remote = _looked_at(row, series, remotes)
        except (SlideError, DuplicateIdError) as error:
            kept = None
            if _is_out_of_reach(error):
                # Encoded and then archived: its result is as good as it was.
                kept = store.find_kept(row.slide_id, row.mpp, patches=patches)
            if kept is not None:
                plan.done.append(status_of(kept))
            else:
                plan.refused.append(_refused(row, error))
            continue
        before = moves.known_as(row.slide_id, stamp)
        wanted = PartKey(row.slide_id, stamp, row.mpp, before)
        part = store.find(wanted, patches=patches)
        if part is not None:
            plan.done.append(status_of(part))
        else:
            plan.tasks.append(SlideTask(wanted, row.path, remote=remote))
    # The id decides among equal sizes, so that every process plans the same order.
    plan.tasks.sort(key=lambda task: (-task.wanted.stamp.size_bytes, task.slide_id))
    return plan


def _looked_at(
    row: SlideRow, series: dict[str, str], remotes: Mapping[Url, RemoteSlide | SlideError]
) -> tuple[FileStamp, RemoteSlide | None]:
    """Return what a slide is now, and its files where it is at an address."""
    if isinstance(row.path, Url):
        found = remotes[row.path]
        if isinstance(found, SlideError):
            raise found
        return found.stamp, found
    source = classify(row.path)
    _require_own_slide(source, row, series)
    return source.stamp, None


def _require_own_slide(source: Source, row: SlideRow, series: dict[str, str]) -> None:
    """Raise when a DICOM instance belongs to a slide that stands in the table already."""
    if source.kind is not FileKind.DICOM:
        return
    found = read_instance(source.path)
    key = found.series_uid if found is not None else ""
    if not key:
        return
    other = series.setdefault(key, row.slide_id)
    if other != row.slide_id:
        msg = (
            f"{source.path} belongs to the same DICOM series as slide {other}: both rows are one "
            "slide, which would count double. Keep one of them in the slide table."
        )
        raise DuplicateIdError(msg)


def _is_out_of_reach(error: Exception) -> bool:
    """Whether an error says that the file cannot be looked at, and nothing about what it is."""
    # An archived or unmounted disk; of a damaged file the old result is not known to fit.
    gone = isinstance(error, SlideNotFoundError | SlideAccessError)
    return gone or bool(getattr(error, "retryable", False))


def _refused(row: SlideRow, error: SlideError | DuplicateIdError) -> SlideStatus:
    return SlideStatus(
        slide_id=row.slide_id,
        status="failed",
        code=error.code,
        reason=str(error),
        retryable=error.retryable,
    )
