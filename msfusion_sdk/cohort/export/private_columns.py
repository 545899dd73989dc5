"""Which columns of a table may leave with an export, and why the others may not."""

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from msfusion_sdk.cohort.export.personal import find_personal
from msfusion_sdk.tables.cells.dates import holds_dates

__all__ = ["plain", "why_private"]

LONGEST_WORD = 64
FEW_LEVELS = 2
PATIENTS_PER_LEVEL = 4
"""Where levels are that large on average, words are shared; a table of 60 has 15 of them."""
SHARED = 0.75
"""Share of the patients whose word another patient has too, enough in a cohort of any size."""


def plain(values: pa.Array) -> pa.Array:
    """Return a column with its categories as the words or numbers that they are."""
    return values.cast(values.type.value_type) if types.is_dictionary(values.type) else values


def why_private(name: str, values: pa.Array) -> str | None:
    """Return why a column may not leave; None for numbers, flags, and words that are shared.

    Dates never leave by themselves, nor do numbers and text that tell patients apart: record and
    telephone numbers, addresses, names, notes, barcodes.

    Parameters
    ----------
    name : str
        Of the column.
    values : a cell for each patient of the cohort, without dictionaries
    """
    kind, cells = values.type, values.drop_null()
    if not len(cells):
        return "holds no value"
    if types.is_temporal(kind):
        return "holds dates or times"
    is_text = types.is_string(kind) or types.is_large_string(kind)
    # Without an example: the reason leaves with the export.
    # Before anything else: 20240131 is a whole number, and a date.
    if (is_text or types.is_integer(kind)) and holds_dates(name, cells.to_pandas()):
        return "holds dates" if is_text else "holds dates as numbers"
    if found := find_personal(name, values):
        return f"holds {found}"
    if is_text:
        return _why_personal(cells, len(values))
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind):
        return None
    return f"holds neither numbers nor words ({kind})"


def _why_personal(cells: pa.Array, patients: int) -> str | None:
    """Return why words may not leave: too long, or known by too few patients."""
    longest = pc.max(pc.utf8_length(cells)).as_py()
    if longest > LONGEST_WORD:
        return f"holds free text, of up to {longest} characters"
    counts = Counter(cells.to_pylist())
    if len(counts) <= max(FEW_LEVELS, patients // PATIENTS_PER_LEVEL):
        return None
    sharing = sum(count for count in counts.values() if count > 1)
    if sharing >= SHARED * len(cells):
        return None
    return (
        f"tells patients apart: {len(counts)} different words for {len(cells)} patients, "
        f"{len(cells) - sharing} of whom share theirs with nobody"
    )
