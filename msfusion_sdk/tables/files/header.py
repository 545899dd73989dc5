"""Where the rows of a text file begin, what separates their cells, what its columns are called."""

import csv
from collections.abc import Sequence
from itertools import islice, takewhile
from pathlib import Path
from typing import NamedTuple

from msfusion_sdk.errors import TableError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.files.column_names import (
    Row,
    n_filled,
    require_names,
    require_no_title,
    require_no_values,
    shown,
)
from msfusion_sdk.tables.files.layout_hints import GENE_WORDS, layout_hint
from msfusion_sdk.tables.files.table_file import TableFile, TableShape

__all__ = ["Header", "find_header"]

SEPARATORS = (",", "\t", ";", "|")
NAMES = {",": "a comma", "\t": "a tab", ";": "';'", "|": "'|'"}
N_ROWS = 50
"""Rows that are looked at; all are checked against the header later."""


class Header(NamedTuple):
    """The first row of a text file that is one of the table."""

    names: tuple[str, ...]
    separator: str
    lines: int
    """Lines before the first row of values, comments included."""


class _Look(NamedTuple):
    """The first rows as one separator would cut them."""

    separator: str
    header: tuple[str, ...]
    rows: list[Row]
    header_lines: int

    def tells(self, shape: TableShape) -> bool:
        """Return whether a row is the header, which decides more surely than counting cells."""
        return any(map(shape.is_told_by, (self.header, *self.rows)))

    @property
    def width(self) -> int:
        """Cells of the widest row below the header."""
        return max(map(n_filled, self.rows), default=0)

    def is_even(self, more: int) -> bool:
        """Return whether every row has two or more cells, ``more`` than the header."""
        width = len(self.header) + more
        return width > 1 and bool(self.rows) and all(len(row) == width for row in self.rows)


def find_header(file: TableFile, lines: Sequence[str], shape: TableShape) -> Header:
    """Return the header, and where the rows begin.

    Parameters
    ----------
    lines : sequence of str
        The first lines of the file, with their ends.

    Raises
    ------
    TableError
        When there is no header, a title or a comment stands in its place, two separators fit
        alike, or the header is a name short where that is not foreseen.
    """
    comments = sum(1 for _ in takewhile(lambda line: line.startswith("#"), lines))
    look = _find_look(file, lines[comments:], shape)
    if comments and not shape.is_told_by(look.header):
        # A header may begin like a comment: then it is as wide as what follows.
        whole = _find_look(file, lines[comments - 1 :], shape)
        begins = [name.lstrip("# ") for name in whole.header]
        is_header = shape.is_told_by(begins) or (shape.has_row_names and whole.is_even(0))
        if is_header and (comments > 1 or not shape.has_row_names):
            raise _begins_like_a_comment(file.path, lines[comments - 1], comments)
        if not is_header and not shape.has_comments:
            raise _is_comment(file.path, lines[0], comments, shape)
        if is_header:
            comments, look = 0, whole
    if not look.header:
        msg = f"{file.path} holds no header. Give a header and rows."
        raise TableError(msg)
    if len(look.header) == 1 and not look.rows and not shape.is_told_by(look.header):
        msg = (
            f"{file.path} holds a single line without cells ({shown(look.header[0])}), as a "
            "server answers when it has no file. Get the table again."
        )
        raise TableError(msg)
    names = _names(file.path, look, comments, shape)
    return Header(names, look.separator, comments + look.header_lines)


def _find_look(file: TableFile, lines: Sequence[str], shape: TableShape) -> _Look:
    """Return the first rows, cut by the separator that is given or that fits."""
    usual = "," if _ending(file.path) == ".csv" else "\t"
    if file.separator is not None:
        return _look(lines, file.separator)
    looks = {separator: _look(lines, separator) for separator in SEPARATORS}
    # The usual one first, so that of several that fit it is the one.
    ordered = sorted(looks.values(), key=lambda look: look.separator != usual)
    for look in ordered:
        if look.tells(shape):
            return look
    # Rows as wide as the header first; then with one cell more, as R writes row names.
    for more in (0, 1):
        even = [look for look in ordered if look.is_even(more)]
        if len(even) > 1:
            found = " and ".join(NAMES[look.separator] for look in even)
            msg = (
                f"{file.path} can be cut at {found} alike: its header is "
                f"{shown(lines[0])}. Say which separates the cells: separator= (--separator)."
            )
            raise TableError(msg)
        if even:
            return even[0]
    spaced = _look(lines, " ")
    if max(len(look.header) for look in ordered) == 1 and (spaced.is_even(0) or spaced.is_even(1)):
        msg = (
            f"The cells of {file.path} seem to be separated by spaces ({shown(lines[0])}), as R "
            "writes them. Write it with sep='\t', or say separator=' ' (--separator ' ')."
        )
        raise TableError(msg)
    # Nothing fits: the widest is cut, so that the error can name its lines.
    return max(ordered, key=lambda look: look.width)


def _look(lines: Sequence[str], separator: str) -> _Look:
    reader = csv.reader(lines, delimiter=separator)
    try:
        cut = ([cell.strip() for cell in row] for row in reader if row)
        header = tuple(next(cut, []))
        header_lines = reader.line_num
        rows: list[Row] = list(islice(cut, N_ROWS))
    except csv.Error:  # a cell beyond 128 kB: a quotation mark that does not close, most often
        return _Look(separator, (), [], 0)
    return _Look(separator, header, rows, header_lines)


def _names(path: Path, look: _Look, comments: int, shape: TableShape) -> tuple[str, ...]:
    names, line = look.header, comments + look.header_lines
    require_no_title(str(path), names, look.rows, comments + 1, shape)
    if look.is_even(1):
        if not any(row[-1] for row in look.rows):
            msg = (
                f"The rows of {path} end with a separator that its header in line {line} does not "
                f"have (line {line + 1}: {len(names) + 1} cells, the last one empty, for "
                f"{len(names)} names). Delete the separator at the end of each row."
            )
            raise TableError(msg)
        if not shape.has_row_names:
            msg = (
                f"The header of {path}, line {line}, has {len(names)} names, and each row has "
                f"{len(names) + 1} cells (line {line + 1}: {first_few(look.rows[0], 4)}): R writes "
                "row names like this. "
            )
            msg += layout_hint(names) or (
                "Give their column a name, as write.table does with row.names=FALSE and the ids in "
                "a column of their own."
            )
            raise TableError(msg)
        if names[0].casefold().strip("# ") in GENE_WORDS:
            msg = (
                f"The header of {path}, line {line}, begins with {names[0]!r} and has "
                f"{len(names)} names for {len(names) + 1} cells (line {line + 1}: "
                f"{first_few(look.rows[0], 4)}). Name every column, and quote cells with a "
                "separator in them: '1,5' in a file with commas is two cells."
            )
            raise TableError(msg)
        names = ("", *names)
    if shape.has_row_names:
        names = (names[0].removeprefix("#").strip(), *names[1:])
        require_no_values(path, names, line)
    require_names(str(path), names, line, shape, look.rows)
    return names


def _begins_like_a_comment(path: Path, line: str, number: int) -> TableError:
    above = ", and the lines above it" if number > 1 else ""
    return TableError(
        f"The header of {path}, line {number}, begins with '#' ({shown(line)}). Delete that "
        f"mark{above}."
    )


def _is_comment(path: Path, line: str, comments: int, shape: TableShape) -> TableError:
    if line.strip() in ("#1.2", "#1.3"):
        msg = (
            f"{path} is a GCT file. Delete its first two lines and the column of descriptions, and "
            "read it with the layout 'genes_by_patients'."
        )
        return TableError(msg)
    below = f", and no header with {', '.join(map(repr, shape.wanted))} stands below"
    return TableError(
        f"{path} begins with {comments} lines that begin with '#' ({shown(line)})"
        f"{below if shape.wanted else ''}. Comments belong to the layouts 'cbioportal', 'maf' and "
        "'gdc': say layout= (--layout), or delete those lines."
    )


def _ending(path: Path) -> str:
    return (path.with_suffix("") if path.suffix.lower() == ".gz" else path).suffix.lower()
