"""A table of the page: bounded in length, with the command that gives all of it."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["NONE", "ROWS_SHOWN", "PageTable", "number", "page_table"]

NONE = "–"
ROWS_SHOWN = 200
"""So that a page on ten thousand slides stays small and can still be read."""


@dataclass(frozen=True)
class PageTable:
    """Rows to show, of which there may be more."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int
    command: str
    """What prints or writes all of it."""
    is_stacked: bool
    """On a narrow screen, whether each row becomes a block: for long texts."""

    @property
    def hidden(self) -> int:
        """Rows that are not shown."""
        return self.total - len(self.rows)


def page_table(
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    command: str,
    is_stacked: bool = False,
) -> PageTable:
    """Return the first ``ROWS_SHOWN`` rows as text."""
    shown = tuple(tuple(_text(cell) for cell in row) for row in rows[:ROWS_SHOWN])
    return PageTable(caption, tuple(columns), shown, len(rows), command, is_stacked)


def number(value: float | None, digits: int) -> str:
    """Return a number for people, or a dash where there is none."""
    return NONE if value is None or value != value else f"{value:,.{digits}f}"


def _text(cell: object) -> str:
    if cell is None or cell == "":
        return NONE
    # Before int, which True is as well.
    if isinstance(cell, bool):
        return "yes" if cell else NONE
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
