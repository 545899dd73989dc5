"""Keyed pseudonyms, so that an export does not carry the ids of a hospital."""

import hashlib
import hmac
import os
import stat
import warnings
from pathlib import Path
from typing import Literal

from msfusion_sdk.errors import MsfusionWarning, TableError
from msfusion_sdk.files import read_bytes

__all__ = ["PseudonymKeyWarning", "Pseudonyms"]

SHORTEST_KEY = 16
FEWEST_BYTES = 6
"""Different ones that 16 digits written at random have almost always."""
MAKE_ONE = "Make one: head -c 32 /dev/urandom > key; chmod 600 key"


class PseudonymKeyWarning(MsfusionWarning, UserWarning):
    """A key of pseudonyms that others may read, or that is not what it was for version 0.1.0."""


class Pseudonyms:
    """Keyed pseudonyms of ids: the same key gives the same pseudonym, without it nobody can tell.

    Parameters
    ----------
    key_file : Path, optional
        Holds at least 16 bytes that nobody can guess, all of which count.  None keeps the ids.
    cohort, export : Path, optional
        A folder in which the key must not lie, and the file that it must not travel with.

    Raises
    ------
    TableError
        When the key cannot be read, can be guessed, or lies where it leaves with the data.

    Warns
    -----
    PseudonymKeyWarning
        When other users may read the key, or blanks at its end count that did not in 0.1.0.
    """

    def __init__(
        self, key_file: Path | None, *, cohort: Path | None = None, export: Path | None = None
    ) -> None:
        self._key = None
        if key_file is not None:
            _require_apart(key_file, cohort, export)
            self._key = _read_key(key_file)

    def of(self, kind: Literal["patient", "slide"], name: str) -> str:
        """Return the pseudonym of an id; the kind keeps equal ids of slide and patient apart."""
        if self._key is None:
            return name
        told = f"{kind}:{name}".encode("utf-8", "surrogatepass")
        # Keyed: plain digests of patient ids are undone by trying all ids.
        return hmac.new(self._key, told, hashlib.sha256).hexdigest()[:32]


def _read_key(path: Path) -> bytes:
    try:
        key, mode = read_bytes(path), path.stat().st_mode
    except OSError as error:
        msg = f"The key file {path} cannot be read: {error.strerror or error}."
        raise TableError(msg) from error
    if len(key) < SHORTEST_KEY:
        msg = (
            f"The key file {path} holds {len(key)} bytes, and fewer than {SHORTEST_KEY} can be "
            f"guessed. {MAKE_ONE}"
        )
        raise TableError(msg)
    if len(set(key)) < FEWEST_BYTES or _repeats(key):
        msg = f"The key file {path} repeats itself, and can be guessed. {MAKE_ONE}"
        raise TableError(msg)
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        msg = f"Other users may read the key file {path}: chmod 600 {path}"
        warnings.warn(msg, PseudonymKeyWarning, stacklevel=5)
    if key != key.strip():
        msg = (
            f"The key file {path} begins or ends with white space, which counts. Version 0.1.0 "
            "left it away: for the pseudonyms that it gave, remove it from the file."
        )
        warnings.warn(msg, PseudonymKeyWarning, stacklevel=5)
    return key


def _repeats(key: bytes) -> bool:
    """Return whether a key is a shorter one, over and over."""
    return any(
        (key[:length] * (len(key) // length + 1))[: len(key)] == key
        for length in range(1, min(SHORTEST_KEY, len(key) // 2 + 1))
    )


def _require_apart(key_file: Path, cohort: Path | None, export: Path | None) -> None:
    """Refuse a key that leaves with what it protects."""
    key = key_file.resolve()
    if cohort is not None and key.is_relative_to(cohort.resolve()):
        msg = (
            f"The key file {key_file} lies in the cohort's folder: whoever gets a copy of that can "
            "undo the pseudonyms. Move it elsewhere."
        )
        raise TableError(msg)
    if export is not None and key == export.resolve():
        msg = f"The export would be written over the key file {key_file}. Give it another name."
        raise TableError(msg)
