"""Files and folders: one way to write them, so that what exists is complete, and one to read."""

from msfusion_sdk.files.folders import (
    entries_of,
    made_folder,
    probe_folder,
    remove_abandoned,
    require_unused,
)
from msfusion_sdk.files.making import FolderKind, making, require_finished, require_free
from msfusion_sdk.files.reading import read_bytes
from msfusion_sdk.files.writing import (
    put_if_absent,
    store_bytes,
    store_error,
    store_text,
    storing,
    temporary_beside,
)

__all__ = [
    "FolderKind",
    "entries_of",
    "made_folder",
    "making",
    "probe_folder",
    "put_if_absent",
    "read_bytes",
    "remove_abandoned",
    "require_finished",
    "require_free",
    "require_unused",
    "store_bytes",
    "store_error",
    "store_text",
    "storing",
    "temporary_beside",
]
