"""Read a JSON file of ours, or say what about it is wrong and what to do."""

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.errors import MsfusionError

__all__ = ["read_record"]

Record = TypeVar("Record", bound=FrozenConfig)


def read_record(kind: type[Record], path: Path, error: type[MsfusionError], remedy: str) -> Record:
    """Return what a file holds.

    Parameters
    ----------
    error : type
        Raised when the file is damaged, or of another version.
    remedy : str
        A sentence, for its message.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as found:
        problem = found.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        msg = f"{path} is damaged or of another version ({where} {problem['msg']}). {remedy}"
        raise error(msg) from found
