"""Options of every command that reads a table: what its content alone does not say."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from msfusion_sdk.tables.files.table_file import TableFile

__all__ = ["Decimal", "Encoding", "Layout", "OnDuplicate", "Separator", "Sheet", "table_file"]

OnDuplicate = Annotated[
    str, typer.Option(help="refuse, or drop_identical rows that repeat another.")
]
Sheet = Annotated[str | None, typer.Option(help="Of a spreadsheet, where several hold cells.")]
Separator = Annotated[
    str | None, typer.Option(help="Between cells, where the file leaves it open: , ; tab or space.")
]
Decimal = Annotated[str | None, typer.Option(help="Point or comma before decimals: '.' or ','.")]
Encoding = Annotated[str | None, typer.Option(help="Of a text file: cp1252, say. Else UTF-8.")]
Layout = Annotated[
    str | None, typer.Option(help="cbioportal, xena, maf or gdc: files of these portals.")
]

# A tab is hard to type in a shell.
SPELT = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";"}


def table_file(
    path: Path, sheet: str | None, separator: str | None, decimal: str | None, encoding: str | None
) -> "TableFile":
    """Return a file with the options given for it.

    Raises
    ------
    ValueError
        When the separator is longer than a character, or the decimals are no point or comma.
    """
    from msfusion_sdk.tables.files.table_file import TableFile

    spelt = None if separator is None else SPELT.get(separator, separator)
    return TableFile.model_validate(
        {
            "path": path,
            "sheet": sheet,
            "separator": spelt,
            "decimal": decimal,
            "encoding": encoding,
        }
    )
