"""A table file, and what its content alone does not say about how to read it."""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.tables.cells.typed import Decimal

__all__ = ["TableFile", "TableShape"]


class TableFile(FrozenConfig):
    """A file of rows and columns: text (CSV, TSV …), a spreadsheet, or Parquet.

    Everything but the path is found out from the content; say it where that is refused.
    """

    path: Path
    sheet: str | None = None
    """Which sheet of a spreadsheet; by default the only one that holds anything."""
    separator: str | None = Field(None, min_length=1, max_length=1)
    """What stands between two cells of a text file; by default a comma in ``.csv`` and a tab
    elsewhere, or the other one of these, ``;`` or ``|`` where only that gives even rows."""
    decimal: Decimal | None = None
    """What stands before the decimals of a number in a text file.  By default the point, and
    the comma in columns whose cells can only be meant so."""
    encoding: str | None = None
    """Of a text file; by default UTF-8, or UTF-16 with its mark."""

    @property
    def name(self) -> str:
        """What the file is called in messages."""
        return self.path.name if self.sheet is None else f"{self.path.name}, sheet {self.sheet!r}"


class TableShape(NamedTuple):
    """What a layout has beside a header and rows; a plain table of patients has none of it."""

    wanted: tuple[str, ...] = ()
    """Columns that the header has to have: they tell the header from a title."""
    one_of: tuple[str, ...] = ()
    """Columns of which the header has to have one, where releases of a portal differ."""
    has_comments: bool = False
    """Whether lines before the header that begin with ``#`` are comments."""
    has_row_names: bool = False
    """Whether the first column holds names, for which the header may have none, as R writes."""
    repeats_header: bool = False
    """Whether later rows may repeat the header: joined files, or the three lines of biotab."""

    def is_told_by(self, names: Collection[str]) -> bool:
        """Return whether names can only be those of the header; never when nothing is wanted."""
        told = set(names)
        has_all = set(self.wanted) <= told
        has_one = not self.one_of or bool(told & set(self.one_of))
        return bool(self.wanted or self.one_of) and has_all and has_one
