"""An export replaces an older export of its own format, and no other file that is there."""

from pathlib import Path
from typing import Literal

from msfusion_sdk.errors import StoreSchemaError
from msfusion_sdk.files.replacing import holds

__all__ = ["require_replaceable"]

MARK = b"msfusion_export"
"""Stands in every export: the key of the metadata of Parquet, a name under ``uns`` of AnnData."""
BEGINNINGS = {b"PAR1": "parquet", b"\x89HDF": "anndata"}
NAMES = {"parquet": "Parquet", "anndata": "AnnData", "zarr": "Zarr"}
Format = Literal["parquet", "anndata", "zarr"]


def require_replaceable(path: Path, form: Format) -> None:
    """Raise where something lies at ``path`` that is no export of the format to be written.

    The bytes are searched, not parsed: a file of somebody else may be damaged on purpose.  An empty
    file may be replaced, as ``mktemp`` makes them.

    Raises
    ------
    StoreSchemaError
    """
    if path.is_dir():
        is_zarr = any((path / name).is_file() for name in (".zgroup", "zarr.json"))
        if not is_zarr:
            return  # A folder of something else: whoever writes into it says so.
        found, is_ours = "zarr", (path / "uns" / MARK.decode()).is_dir()
    elif path.is_file() and path.stat().st_size:
        with path.open("rb") as file:
            found = BEGINNINGS.get(file.read(4), "")
            is_ours = bool(found) and holds(path, MARK)
    else:
        return
    if is_ours and found == form:
        return
    what = f"an export as {NAMES[found]}" if is_ours else "something that is no export of a cohort"
    msg = (
        f"{path} is there and holds {what}, which an export as {NAMES[form]} would replace. Name "
        "another file, or move this one away first."
    )
    raise StoreSchemaError(msg)
