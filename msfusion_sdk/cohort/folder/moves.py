"""``moves.json``: slides whose file has another time or place and the same content.

A result belongs to a file of one size and time.  A copy has another time; where it was seen to be
the same slide, that is noted here, and results of before count for it.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Self

from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.slides.files.stamp import FileStamp
from msfusion_sdk.storage.records import RecordErrors, read_record, write_record

__all__ = ["Move", "Moves", "note_moves", "read_moves"]

FILE_NAME = "moves.json"
ERRORS = RecordErrors(
    "Move it away: slides that were moved are then encoded again, and nothing else is lost."
)


class Stamp(FrozenConfig):
    """A ``FileStamp`` as JSON."""

    size_bytes: int
    mtime_ns: int
    companions: str | None
    remote: str | None = None

    _added = frozenset({"remote"})

    @classmethod
    def of(cls, stamp: FileStamp) -> Self:
        """Return the same as JSON holds it."""
        return cls(
            size_bytes=stamp.size_bytes,
            mtime_ns=stamp.mtime_ns,
            companions=stamp.companions,
            remote=stamp.remote,
        )

    @property
    def stamp(self) -> FileStamp:
        """The stamp."""
        return FileStamp(self.size_bytes, self.mtime_ns, self.companions, self.remote)


class Move(FrozenConfig):
    """A file that is what another one was."""

    slide_id: str
    was: Stamp
    now: Stamp


class Moves(FrozenConfig):
    """All that are known of a cohort."""

    VERSION: ClassVar = 2

    format: int = VERSION
    moves: tuple[Move, ...] = ()

    def known_as(self, slide_id: str, stamp: FileStamp) -> tuple[FileStamp, ...]:
        """Return the stamps that the file with ``stamp`` had before, the latest first."""
        found: list[FileStamp] = []
        current = stamp
        # From the newest on, so that a file that moved three times has all three.
        for move in reversed(self.moves):
            if move.slide_id == slide_id and move.now.stamp == current:
                current = move.was.stamp
                found.append(current)
        return tuple(found)


def read_moves(root: Path) -> Moves:
    """Return what is noted in the folder of a cohort.

    Raises
    ------
    StoreError
        When the file is damaged, of a newer version, or cannot be read.
    """
    try:
        return read_record(Moves, root / FILE_NAME, ERRORS, version=Moves.VERSION)
    except FileNotFoundError:
        return Moves()


def note_moves(root: Path, found: Iterable[Move] = (), *, without: Iterable[str] = ()) -> None:
    """Add moves, and leave out those of some slides.

    Raises
    ------
    StoreError
        When the file cannot be written.
    """
    before, gone, added = read_moves(root).moves, set(without), tuple(found)
    kept = tuple(move for move in before if move.slide_id not in gone)
    if added or len(kept) < len(before):
        write_record(root / FILE_NAME, Moves(moves=(*kept, *added)))
