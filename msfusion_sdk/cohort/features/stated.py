"""What files of features state beside the features: texts, the edge of a patch, notes in JSON."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from msfusion_sdk.errors import StoreCorruptError, TableError

__all__ = ["stated_edge", "stated_notes", "stated_text"]

MOST_EDGE = 1e6


def stated_text(value: Any) -> str:
    """Return an attribute as text; HDF5 has text of fixed length, which arrives as bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def stated_edge(path: Path, stated: Any) -> float:
    """Return the edge of a patch, which a file may state as one number or for x and y.

    0 where it states none.

    Raises
    ------
    TableError
        When it is no number above 0, or x and y differ.
    """
    if stated is None:
        return 0.0
    try:
        found = {float(stated_text(value)) for value in np.ravel(stated)}
    except ValueError:
        found = set()
    edge = found.pop() if len(found) == 1 else -1.0
    if not 0 <= edge < MOST_EDGE:
        msg = f"{path.name} states a patch size of {stated!s:.60}; one number above 0 is needed."
        raise TableError(msg)
    return edge


def stated_notes(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file of notes.

    Raises
    ------
    StoreCorruptError, TableError
    """
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:  # of JSON, and of text that is not UTF-8
        msg = f"{path} is damaged ({error}). Make it again, or remove it."
        raise StoreCorruptError(msg) from error
    if not isinstance(found, dict):
        msg = f"{path} holds {type(found).__name__}, and a JSON object is needed."
        raise TableError(msg)
    return found
