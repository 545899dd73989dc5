"""Dates as text or numbers: they say when something was, and must neither teach nor leave."""

import re
from unicodedata import combining, normalize

import numpy as np
import pandas as pd

from msfusion_sdk.arrays import Floats

__all__ = ["holds_dates", "words_of"]

MONTHS = (
    "jan feb mar apr may jun jul aug sep oct nov dec mrz mär mai okt dez fév avr aoû déc ene abr "
    "ago dic gen mag giu lug set ott"
)
_MONTH = rf"(?:{MONTHS.replace(' ', '|')})[^\W\d]*\.?"
_TIME = (
    r"(?:(?:,? |T|:)\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?"
    r"(?: ?(?:Z|[A-Z]{2,4}|[AP]\.M\.|[+-]\d{2}:?\d{2}))*)?"
)
_WEEKDAY = r"(?:[^\W\d]{2,10}\.?,? )?"
_FORMS = tuple(
    re.compile(_WEEKDAY + form + _TIME, re.IGNORECASE)
    for form in (
        r"(?P<y>(?:1[89]|20|21)\d{2})[-/.](?P<m>\d{1,2})"
        r"(?:[-/.](?P<d>\d{1,2}|\?\?|XX|UN|UNK))?",
        r"(?P<d>\d{1,2})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<y>\d{4}|\d{2})",
        r"(?P<m>\d{1,2})[-/](?P<y>(?:1[89]|20|21)\d{2})",
        # 01MAR2020 of SAS, 1er mars 2020, 1 de marzo de 2020
        rf"\d{{1,2}}(?:st|nd|rd|th|er)?(?:\. ?|[ -/])?(?:of |de )?{_MONTH}"
        r"(?:,?[ -/]| de )?(?:\d{4}|\d{2})",
        rf"{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}",
        rf"{_MONTH}[ -/]\d{{4}}",
        r"(?:1[89]|20|21)\d{2}[- ]?(?:Q[1-4]|W\d{2}(?:-?\d)?)|Q[1-4][-/ ](?:1[89]|20|21)\d{2}",
        r"(?:1[89]|20|21)\d{2}年\d{1,2}月(?:\d{1,2}日)?",
    )
)
_DATE_WORDS = frozenset(
    ("date", "dates", "datum", "fecha", "dob", "birthday", "birthdate", "deathdate", "timestamp")
)
SHARE = 0.9
FIRST_DAY, LAST_DAY = 19_000_101, 21_001_231
FIRST_SERIAL, LAST_SERIAL = 10_000, 73_000
"""What a spreadsheet stores for days from 1927 to 2099, and SAS for those since 1987."""
FEWEST_SECONDS = 3e8
"""SPSS counts from 1582, SAS from 1960, others from 1970: of the years since 1980 all are more."""


def holds_dates(name: str, cells: pd.Series) -> bool:
    """Return whether a column is dates: nine tenths of its text, or all of its numbers.

    Numbers are dates when all are written as YYYYMMDD, or when the column is called a date
    and all are DDMMYYYY or MMDDYYYY, days as a spreadsheet or SAS counts them, or seconds.

    Parameters
    ----------
    cells : Series
        Those that hold something.
    """
    if pd.api.types.is_numeric_dtype(cells):
        return _are_days(name, cells.to_numpy(np.float64, na_value=np.nan))
    words = [str(cell).strip() for cell in cells]
    # Text of digits, as codes are stored, is judged as the numbers it would be.
    if words and all(word.isdigit() for word in words):
        return _are_days(name, np.array(words, np.float64))
    found = sum(_is_date(word) for word in words)
    return bool(found) and found >= SHARE * len(words)


def _is_date(word: str) -> bool:
    for form in _FORMS:
        match = form.fullmatch(word)
        if match:
            parts = {k: int(v) for k, v in match.groupdict().items() if v and v.isdigit()}
            low, high = sorted((parts.get("m", 1), parts.get("d", 1)))
            # In 12/31/2020 the month comes first, in 31/12/2020 the day.
            return 1 <= low <= 12 and high <= 31
    return False


def _are_days(name: str, values: Floats) -> bool:
    if not len(values) or not np.isfinite(values).all() or (values % 1 != 0).any():
        return False
    # All of them: among ids of eight digits some look like days, hardly ever all.
    if values.min() >= FIRST_DAY and values.max() <= LAST_DAY:
        return all(1 <= v // 100 % 100 <= 12 and 1 <= v % 100 <= 31 for v in values)
    if _DATE_WORDS.isdisjoint(words_of(name)) or values.min() < FIRST_SERIAL:
        return False
    if values.max() <= LAST_SERIAL or values.min() >= FEWEST_SECONDS:
        return True
    return all(_is_date(f"{v[:2]}-{v[2:4]}-{v[4:]}") for v in (f"{v:08.0f}" for v in values))


def words_of(name: str) -> list[str]:
    """Return the words of a name in small letters, whether ``snake_case`` or ``camelCase``.

    Examples
    --------
    >>> words_of("daysToDeath"), words_of("OS.time"), words_of("tumor_size_centimeters")
    (['days', 'to', 'death'], ['os', 'time'], ['tumor', 'size', 'centimeters'])
    >>> words_of("durée_survie")
    ['duree', 'survie']
    """
    # A letter with an accent is the letter and its accent, which is no letter.
    plain = "".join(c for c in normalize("NFKD", name) if not combining(c))
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)
    return re.findall(r"[a-z]+", spaced.lower())
