"""Stage and grade as pathologists write them, as numbers that grow with the disease."""

import re

__all__ = ["grade_number", "stage_number"]

_STAGE = re.compile(
    r"(?:(?:ajcc|figo|pathologic|clinical)\s+)*(?:(?:stage|stadium|stade|estadio|stadio)[\s:]*)?"
    r"(0|iv|i{1,3}|[1-4])\s*(is|a|b|c)?\s*([1-3])?",
    re.IGNORECASE,
)
_MAIN = {"0": 0, "i": 1, "ii": 2, "iii": 3, "iv": 4, "1": 1, "2": 2, "3": 3, "4": 4}
_LETTER = {"": 0.0, "is": 0.2, "a": 0.2, "b": 0.4, "c": 0.6}

_GRADE = re.compile(r"(?:grade\s*|g\s*)([1-4]|iv|i{1,3})", re.IGNORECASE)


def stage_number(text: str) -> float | None:
    """Return the AJCC or FIGO stage on a scale from 0 to 4.6, or None when it is none.

    A letter adds 0.2 (A), 0.4 (B) or 0.6 (C), a digit behind it 0.05 each, so that
    I < IA < IA1 < IA2 < IB < II; whoever wrote the plain numeral did not say more.

    Examples
    --------
    >>> [stage_number(text) for text in ("Stage I", "stage iiia", "IIIC1", "IV", "Stage X")]
    [1.0, 3.2, 3.65, 4.0, None]
    """
    match = _STAGE.fullmatch(text.strip())
    if not match:
        return None
    main, letter, digit = (part or "" for part in match.groups())
    if digit and not letter:  # "III2" is not a stage
        return None
    return round(_MAIN[main.lower()] + _LETTER[letter.lower()] + 0.05 * int(digit or 0), 2)


def grade_number(text: str) -> float | None:
    """Return the histological grade, 1 to 4, or None when it is none (``GX``, ``High Grade``).

    Examples
    --------
    >>> [grade_number(text) for text in ("G1", "Grade 3", "grade II", "GX")]
    [1.0, 3.0, 2.0, None]
    """
    match = _GRADE.fullmatch(text.strip())
    return float(_MAIN[match[1].lower()]) if match else None
