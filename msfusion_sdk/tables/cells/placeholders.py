"""Words that people write into a cell to say that it has no value: one list for all tables."""

import re
from collections.abc import Iterable

__all__ = ["MISSING_TEXT", "PLACEHOLDER_PATTERN", "is_placeholder", "placeholders_among"]

MISSING_TEXT = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "<NA>", "n/a", "#N/A")
"""Cells of a text file that are empty in every column but the ids, as programs write them."""

_NOT = (
    "allowed to collect|applicable|asked|assess(?:able|ed)|available|collected|determined|done"
    "|evaluable|evaluated|given|known|measured|performed|provided|recorded|reported|specified"
    "|stated|tested"
)
_NONE = rf"(?:(?:not|un)[ _-]?(?:yet )?(?:{_NOT})|missing|blank)"

# In the syntax that Python's re and Arrow's RE2 share, so that both find the same cells.
PLACEHOLDER_PATTERN = (
    r"^(?:"
    r"\[[^\[\]]*\]"  # [Not Available], [Discrepancy] of TCGA
    # '-- of the GDC, . and .a and ._ of SAS and Stata, \N of databases
    r"|'?-{1,3}|–|—|…|\.{1,3}|\.[a-z_]|\?{1,3}|\\n"
    rf"|{_NONE}(?: ?(?:/|,| or ) ?{_NONE})*"  # Unknown/not reported of SEER
    r"|blank\(s\)|\((?:blank|null|missing|empty)\)"  # of SEER and of pivot tables
    r"|unk|unkn|undefined|undetermined|nask|asku|navu"  # the last of REDCap
    r"|(?:no (?:data|value|information)|(?:data|information) not)(?: available)?"
    r"|na|n\. ?[ad]\.?|n ?/ ?[adk]|<(?:na|nan|missing|null)>|nan|nat|nil|null"
    r"|k\. ?a\.|keine angaben?|unbekannt|nicht (?:bekannt|angegeben|bestimmt|erhoben|untersucht)"
    r"|inconnue?|non renseignée?|non disponible|desconocid[oa]|no disponible|sin datos?"
    r"|sconosciut[oa]|desconhecid[oa]|onbekend"
    r"|stage x|gx"
    # what a spreadsheet could not compute
    r"|#(?:n/a|ref!|value!|div/0!|num!|name\?|null!|calc!|spill!)"
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


def placeholders_among(cells: Iterable[object]) -> set[str]:
    """Return the cells of one column that say that there is no value.

    Examples
    --------
    >>> placeholders_among(["-", "II", "I"]), placeholders_among(["-", "+", "++"])
    ({'-'}, set())
    """
    words = {cell for cell in cells if isinstance(cell, str)}
    found = {word for word in words if is_placeholder(word)}
    # Beside "+" a "-" is the opposite, and no gap.
    is_signed = any(word.strip() and not word.strip().strip("+") for word in words)
    return {word for word in found if word.strip() != "-"} if is_signed else found
