"""Words that people write into a cell to say that it has no value: one list for all tables."""

import re

__all__ = ["MISSING_TEXT", "PLACEHOLDER_PATTERN", "is_placeholder"]

MISSING_TEXT = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "<NA>", "n/a", "#N/A")
"""Cells of a text file that are empty in every column but the ids, as programs write them."""

_NOT = (
    "allowed to collect|applicable|assess(?:able|ed)|available|collected|determined|done|evaluable"
    "|evaluated|given|known|measured|performed|provided|recorded|reported|specified|stated|tested"
)

# In the syntax that Python's re and Arrow's RE2 share, so that both find the same cells.
PLACEHOLDER_PATTERN = (
    r"^(?:"
    r"\[[^\[\]]*\]"  # [Not Available], [Discrepancy] of TCGA
    r"|'?-{1,3}|–|—|\.{1,3}|\?{1,3}"  # '-- of the GDC, . of SAS and Stata
    rf"|(?:not|un)[ _-]?(?:{_NOT})|unk|unkn|undefined|undetermined"
    r"|missing|no data|no value|na|n\. ?[ad]\.?|n ?/ ?[ad]|<na>|nan|nil|null"
    r"|k\. ?a\.|keine angaben?|unbekannt|nicht bekannt"
    r"|stage x|gx"
    r"|#(?:n/a|ref!|value!|div/0!|num!|name\?|null!)"  # what a spreadsheet could not compute
    r")?$"
)
"""Regular expression of trimmed cells without a value, whatever their case."""

_PLACEHOLDER = re.compile(PLACEHOLDER_PATTERN, re.IGNORECASE)


def is_placeholder(cell: str) -> bool:
    """Return whether a cell says that there is no value, or is blank.

    Examples
    --------
    >>> [text for text in ("[Not Available]", "'--", "n.d.", "none", "II") if is_placeholder(text)]
    ['[Not Available]', "'--", 'n.d.']
    """
    return _PLACEHOLDER.match(cell.strip()) is not None
