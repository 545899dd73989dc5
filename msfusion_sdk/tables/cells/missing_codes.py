"""Numbers that stand for "no value" in code books, recognised by how far they lie from the rest.

SPSS, SEER, NAACCR and surveys write 9, 99, 999, 888 or -9 where nothing is known.  Each can be a
value as well, so nothing is changed here: people are told.
"""

import numpy as np

from msfusion_sdk.arrays import Floats
from msfusion_sdk.phrases import first_few

__all__ = ["code_remark", "missing_codes"]

_REPEATED = (99, 999, 9999, 99999, 88, 888, 8888, 77, 777, 7777)
_CODES = np.array([*_REPEATED, *(-code for code in _REPEATED), 9, -9, -8, -7], np.float64)
ONE_DIGIT = 9
TWICE = 2


def missing_codes(values: Floats) -> list[float]:
    """Return the numbers that are more likely codes for no value, ascending.

    Those are farther from all other numbers than these are from each other, or negative where no
    other is; a 9 is one only where two patients have it.

    Examples
    --------
    >>> missing_codes(np.array([61, 70, 999, 45, 99])), missing_codes(np.array([1, 2, 9, 2, 9]))
    ([99.0, 999.0], [9.0])
    >>> missing_codes(np.array([61, 70, 99, 45, 98.0])), missing_codes(np.array([0, 1, 2, 9]))
    ([], [])
    """
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    is_code = np.isin(known, _CODES)
    others, codes = known[~is_code], known[is_code]
    if not len(others) or not len(codes):
        return []
    low, high = float(others.min()), float(others.max())
    found, counts = np.unique(codes, return_counts=True)
    is_apart = (found - high > high - low) | (low - found > high - low)
    is_alone = (found < 0) & (low >= 0)
    is_enough = (found != ONE_DIGIT) | (counts >= TWICE)
    return [float(code) for code in found[(is_apart | is_alone) & is_enough]]


def code_remark(column: str, codes: list[float]) -> str:
    """Return the sentence that says so of an outcome."""
    shown = first_few(int(code) for code in codes)
    return (
        f"{column} holds {shown}, apart from all other numbers: this may stand for no value. If it "
        "does, blank these cells."
    )
