"""Records: JSON of ours that people can read, and that tells when anything in it was changed.

The last key, ``sha256``, is the digest of all the others, independent of how the text is laid
out.  Records of format 1, which had none, are read for ever.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.errors import MsfusionError, StoreCorruptError, StoreVersionError
from msfusion_sdk.files import read_bytes, store_text

__all__ = [
    "SEAL",
    "RecordErrors",
    "open_record",
    "read_content",
    "read_record",
    "seal_of",
    "sealed",
    "write_record",
]

SEAL = "sha256"
SEALED_SINCE = 2
"""The format from which on a record has a seal."""
SURROGATE = re.compile("[\ud800-\udfff]")

Record = TypeVar("Record", bound=FrozenConfig)


@dataclass(frozen=True)
class RecordErrors:
    """What is raised for a record that cannot be used."""

    remedy: str
    """What to do when it is damaged; a sentence."""
    damaged: type[MsfusionError] = StoreCorruptError
    newer: type[MsfusionError] = StoreVersionError


def write_record(path: Path, record: FrozenConfig) -> Path:
    """Write a record with its seal, all at once; return the path."""
    return store_text(path, sealed(json.loads(record.model_dump_json())))


def read_record(
    kind: type[Record], path: Path, errors: RecordErrors, *, version: int, key: str = "format"
) -> Record:
    """Return what a file holds, verified.

    Parameters
    ----------
    version : int
        The newest that this version of the SDK reads.
    key : str
        Under which a record says its version.

    Raises
    ------
    FileNotFoundError
    StoreError
        When the system does not give its bytes.
    MsfusionError
        One of ``errors``.
    """
    content = read_content(path, errors, version=version, key=key)
    try:
        return kind.model_validate_json(json.dumps(content))
    except ValidationError as found:
        problem = found.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        why = f"{where} {problem['msg']}"
        # Sealed, it is what was written, so another version wrote it.
        is_sealed = content.get(key, 1) >= SEALED_SINCE
        raise _foreign(path, why, errors) if is_sealed else _damaged(path, why, errors) from found


def read_content(
    path: Path, errors: RecordErrors, *, version: int, key: str = "format"
) -> dict[str, Any]:
    """Return the keys and values of a file, verified; arguments and errors as of ``read_record``.

    A record without ``key`` is of format 1.
    """
    return open_record(path, read_bytes(path), errors, version=version, key=key)


def open_record(
    path: Path, data: bytes, errors: RecordErrors, *, version: int, key: str = "format"
) -> dict[str, Any]:
    """Return what ``data``, the bytes of ``path``, hold; the others as of ``read_content``."""
    try:
        # Wrong bytes are a ValueError too; brackets nested thousands deep end in a RecursionError.
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"it is not JSON: {error}", errors) from error
    if not isinstance(content, dict):
        raise _damaged(path, "it holds no keys", errors)
    found = content.get(key, 1)
    # True is an int for Python, and no version.
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise _damaged(path, f"{key} is {found!r}", errors)
    # Before the seal is looked at: a newer version may have another.
    if found > version:
        msg = f"{path} has {key} {found}, this SDK reads up to {version}. Upgrade msfusion-sdk."
        raise errors.newer(msg)
    stated = content.pop(SEAL, None)
    if stated is None and found >= SEALED_SINCE:
        raise _damaged(path, "its seal is not there", errors)
    if stated is not None and stated != seal_of(content):
        raise _damaged(path, "its content does not have the digest it states", errors)
    return content


def sealed(content: Mapping[str, Any]) -> str:
    """Return the text of a record with its seal."""
    text = json.dumps({**content, SEAL: seal_of(content)}, indent=2, ensure_ascii=False)
    # Half a character, of a file name that is not UTF-8 say, has no place in a text.
    return SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text) + "\n"


def seal_of(content: Mapping[str, Any]) -> str:
    """Return the digest of keys and values, whatever their order."""
    # One text for one content: blanks and the order of keys are no change.
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _damaged(path: Path, why: str, errors: RecordErrors) -> MsfusionError:
    return errors.damaged(f"{path} is damaged or was changed by hand ({why}). {errors.remedy}")


def _foreign(path: Path, why: str, errors: RecordErrors) -> MsfusionError:
    return errors.newer(
        f"{path} was written by another version of the SDK ({why}). Use that version, or: "
        f"{errors.remedy}"
    )
