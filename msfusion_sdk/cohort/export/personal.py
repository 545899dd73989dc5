"""What tells who a patient is, recognised by what is in a column and by what it is called.

Dates in any spelling, times of computers, record and running numbers, telephone numbers,
addresses.  What is not recognised can still be personal.
"""

import re
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["find_personal"]

MOST = 0.8
"""Share of the numbers of a column that must look like something for the column to be that."""
FEW = 20
"""Patients below whom numbers are easily all different by chance."""
RECORD_DIGITS = 5
EPOCHS = ((3.15e8, 4.1e9), (3.15e11, 4.1e12), (3.15e14, 4.1e15), (3.15e17, 4.1e18))
"""From 1980 to 2099 in seconds, milli-, micro- and nanoseconds since 1970."""

MONTH = r"(?:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-zé]*\.?"
DATE = re.compile(
    r"\b(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{4}-\d{2})\b"
    rf"|\b\d{{1,2}}(?:er)?\.?[ -]?{MONTH}[ -]?,? ?\d{{2,4}}\b|\b{MONTH}[ -]\d{{1,2}},? \d{{4}}\b"
    rf"|\b{MONTH} (?:19|20)\d{{2}}\b|\b\d{{4}}[- ]{MONTH}[- ]\d{{1,2}}\b",
    re.IGNORECASE,
)
TEXTS = (
    ("e-mail addresses", re.compile(r"[^\s@]+@[^\s@]+\.\w+")),
    ("addresses on the web", re.compile(r"\b(?:https?://|www\.)|\b(?:\d{1,3}\.){3}\d{1,3}\b")),
    ("dates", DATE),
    ("telephone numbers", re.compile(r"^\s*(?:\+|00?)?[\d][\d ()/.-]{6,}\d\s*$")),
    (
        "postcodes",
        re.compile(
            r"^\s*(?:[A-Z]{1,2}-)?(?:\d{5}(?:-\d{4})?|\d{4} ?[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d"
            r"|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|\d{3}-\d{4}|\d{3} \d{2})\s*$",
            re.IGNORECASE,
        ),
    ),
)
"""What one cell of text is enough to tell."""
NAMES = {
    "dates": {"dob", "date", "dates", "birthday", "birthdate", "datum", "timestamp"},
    "telephone numbers": {"phone", "telephone", "tel", "mobile", "fax", "telefon", "handy"},
    "e-mail addresses": {"email", "mail", "e-mail"},
    "postcodes": {"postcode", "zip", "zipcode", "postal", "plz", "postleitzahl"},
    "addresses": {"address", "street", "adresse", "strasse", "straße"},
    "record numbers": {
        "mrn", "ssn", "nhs", "accession", "passport", "insurance", "barcode", "record",
    },
    "names": {
        "surname", "firstname", "lastname", "forename", "physician", "vorname", "nachname",
        "nom", "prenom", "cognome", "apellido", "apellidos", "voornaam", "achternaam",
    },
}  # fmt: skip
"""Words within the name of a column."""
FREE_TEXT = {
    "note", "notes", "comment", "comments", "remark", "remarks", "memo", "bemerkung", "kommentar",
    "freitext",
}  # fmt: skip
"""Words within the name of a column that people write into: one rare line tells who it is."""
COUNTED = {"days", "weeks", "months", "years", "age"}
"""Beside one of them, a date is only what is counted from."""
NUMBERED = re.compile(r"(?:^|_)(?:id|nr|no|number|nummer)$")


def find_personal(name: str, values: pa.Array) -> str:
    """Return what is personal in a column, '' when nothing is recognised.

    Parameters
    ----------
    name : str
        Of the column.
    values : Array
        A cell for each patient, nulls where it is empty.
    """
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _in_name(name) or _in_text(name, values) or _free(name)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        cells = values.drop_null().to_numpy(zero_copy_only=False)
        return _in_name(name) or _in_numbers(name, cells)
    return ""


def _in_name(name: str) -> str:
    words = set(_words(name))
    whole = "".join(re.findall(r"\w", name.casefold())).replace("_", "")
    if words & COUNTED:
        return ""
    if whole in ("name", "patientname", "fullname"):
        return "names"
    return next((what for what, known in NAMES.items() if words & known or whole in known), "")


def _free(name: str) -> str:
    return "free text" if FREE_TEXT & set(_words(name)) else ""


def _words(name: str) -> list[str]:
    return re.findall(r"[a-zäöüß]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).casefold())


def _in_text(name: str, values: pa.Array) -> str:
    words = values.drop_null().unique().to_pylist()
    for what, pattern in TEXTS:
        if any(pattern.search(word) for word in words):
            return what
    # Codes stored as text are numbers all the same.
    digits = [word.strip() for word in words if word.strip().isdecimal()]
    if digits and len(digits) >= MOST * len(words):
        return _in_numbers(name, np.array([float(word) for word in digits if len(word) < 300]))
    return ""


def _in_numbers(name: str, values: NDArray[Any]) -> str:
    values = values[np.isfinite(values)].astype(np.float64)
    if not len(values):
        return ""
    if np.mean(_are_epochs(values)) >= MOST:
        return "times of a computer"
    if (values != np.floor(values)).any():
        return ""
    if np.mean((values >= 1e6) & (values < 1e8)) >= MOST:
        days = sum(_is_date(f"{int(value):08d}") for value in values if 0 <= value < 1e8)
        if days >= MOST * len(values):
            return "dates"
    # Numbers that patients share tell no single one of them.
    distinct = np.unique(values)
    if NUMBERED.search(name.casefold()) and len(distinct) > len(values) / 2:
        return "record numbers"
    if len(distinct) < max(2, 0.95 * len(values)):
        return ""
    # One by one they tell patients apart.
    least = 10.0 ** (RECORD_DIGITS if len(values) < FEW else RECORD_DIGITS - 1)
    if distinct[0] >= least:
        return "record numbers"
    is_running = distinct[-1] - distinct[0] < 2 * len(values)
    return "running numbers" if len(values) >= FEW and is_running else ""


def _are_epochs(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    found = np.zeros(len(values), np.bool_)
    for first, last in EPOCHS:
        found |= (first <= values) & (values <= last)
    return found


def _is_date(text: str) -> bool:
    """Return whether eight digits are a day such as 20190311 or 11032019."""
    return any(_is_day(text, layout) for layout in ("%Y%m%d", "%d%m%Y", "%m%d%Y"))


def _is_day(text: str, layout: str) -> bool:
    try:
        return 1850 <= datetime.strptime(text, layout).year <= 2100
    except ValueError:
        return False
