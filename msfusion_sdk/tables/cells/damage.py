"""What a spreadsheet makes of names: dates where genes were, and ids without their last digits.

Sources: Zeeberg et al., BMC Bioinformatics 5 (2004) 80, and Abeysooriya et al., PLoS Comput Biol
17 (2021) e1008984, for gene names; a spreadsheet keeps 15 digits of a number.
"""

import re
from collections.abc import Sequence

__all__ = ["damaged_genes", "damaged_ids", "spreadsheet_days"]

MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec|mrz|mär|mai|okt|dez|fev|fév|avr|aou"
    r"|ene|abr|ago|dic|gen|mag|giu|lug|set|ott|out|märz|march|april|june|july)"
)
DAY_OF_MONTH = re.compile(
    rf"\d{{1,2}}(?:\. ?|[- ]){MONTH}\.?(?:-\d{{2,4}})?|{MONTH}\.?[- ]\d{{2,4}}", re.IGNORECASE
)
DATE = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[ T]00:00:00)?|\d{1,2}/\d{1,2}/\d{2,4}|\d{1,2}\.\d{1,2}\.(?:\d{2,4})?"
)
SERIAL_DAY = re.compile(r"(?:3[6-9]|4\d|5[0-4])\d{3}")
"""Days since 1900 of the years 2000 to 2050."""
ROUNDED = re.compile(r"\d(?:[.,]\d+)?E\+\d{2,}")
KEPT_DIGITS = 15


def damaged_genes(names: Sequence[str]) -> list[str]:
    """Return the names that a spreadsheet made dates or numbers of.

    Five digits are a day only where most names are no numbers, since Entrez ids are.

    Examples
    --------
    >>> damaged_genes(["TP53", "1-Mar", "2-Sep", "2006/09/02", "44256", "2.31E+13", "DEC1"])
    ['1-Mar', '2-Sep', '44256', '2.31E+13']
    """
    # A point may be in a number that was text once: "44256.0".
    words = sum(not name.replace(".", "", 1).isdigit() for name in names)
    tests = [DAY_OF_MONTH, DATE, ROUNDED]
    if words > len(names) / 2:
        tests.append(SERIAL_DAY)
    return [name for name in names if any(test.fullmatch(name.strip()) for test in tests)]


def spreadsheet_days(cells: Sequence[str]) -> list[str]:
    """Return the cells that a spreadsheet shows for a day and a month.

    Examples
    --------
    >>> spreadsheet_days(["1-3", "4-Mar", "Mar-01", "3", "mar"])
    ['4-Mar', 'Mar-01']
    """
    return [cell for cell in cells if DAY_OF_MONTH.fullmatch(cell.strip())]


def damaged_ids(ids: Sequence[str]) -> list[str]:
    """Return the ids that a spreadsheet made dates of, or cut after the fifteenth digit.

    Examples
    --------
    >>> damaged_ids(["0012", "1e5", "1.23457E+14", "12-Mar", "#NAME?", "1234567890123450000"])
    ['1.23457E+14', '12-Mar', '#NAME?', '1234567890123450000']
    """
    return [name for name in ids if _is_damaged_id(name.strip())]


def _is_damaged_id(name: str) -> bool:
    if ROUNDED.fullmatch(name) or DAY_OF_MONTH.fullmatch(name):
        return True
    if name.startswith("#"):
        return bool(re.fullmatch(r"#(?:NAME\?|REF!|VALUE!|N/A|#+)", name))
    is_long = name.isdigit() and len(name) > KEPT_DIGITS
    # Zeros behind the fifteenth digit: what a spreadsheet puts for digits it has dropped.
    return is_long and not name[KEPT_DIGITS:].strip("0")
