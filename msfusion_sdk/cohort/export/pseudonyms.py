"""Keyed pseudonyms, so that an export does not carry the ids of a hospital."""

import hashlib
import hmac
from pathlib import Path
from typing import Literal

from msfusion_sdk.errors import TableError

__all__ = ["Pseudonyms"]

SHORTEST_KEY = 16


class Pseudonyms:
    """Keyed pseudonyms of ids: the same key gives the same pseudonym, without it nobody can tell.

    Parameters
    ----------
    key_file : Path, optional
        Holds at least 16 bytes, and is kept apart from the export.  None keeps the ids.
    """

    def __init__(self, key_file: Path | None) -> None:
        self._key = None
        if key_file is not None:
            try:
                self._key = key_file.read_bytes().strip()
            except OSError as error:
                msg = f"The key file {key_file} cannot be read: {error.strerror}."
                raise TableError(msg) from error
            if len(self._key) < SHORTEST_KEY:
                msg = (
                    f"The key file {key_file} holds {len(self._key)} bytes, and fewer than "
                    f"{SHORTEST_KEY} can be guessed. Make one: head -c 32 /dev/urandom > key"
                )
                raise TableError(msg)

    def of(self, kind: Literal["patient", "slide"], name: str) -> str:
        """Return the pseudonym of an id; the kind keeps equal ids of slide and patient apart."""
        if self._key is None:
            return name
        return hmac.new(self._key, f"{kind}:{name}".encode(), hashlib.sha256).hexdigest()[:32]
