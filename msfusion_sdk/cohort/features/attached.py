"""Which files of features are attached to which slides: a table, the files stay where they are.

features/<fingerprint>.parquet    a row per slide: file, its size and time, patches, layout
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from msfusion_sdk.cohort.features.layouts import FeatureFile
from msfusion_sdk.errors import StoreError
from msfusion_sdk.files import entries_of, made_folder
from msfusion_sdk.storage.schema import read_stored, write_stored
from msfusion_sdk.tables.paths import escape_path, path_of

__all__ = [
    "Attached",
    "attached_fingerprints",
    "attached_path",
    "attached_rows",
    "attached_tables",
    "features_fingerprint",
    "write_attached",
]

FOLDER = "features"


@dataclass(frozen=True)
class Attached:
    """The features of one slide in a file of another program."""

    slide_id: str
    file: FeatureFile
    size_bytes: int
    mtime_ns: int

    @classmethod
    def of(cls, slide_id: str, file: FeatureFile) -> "Attached":
        """Return a file as it is now, for a slide."""
        status = file.path.stat()
        return cls(slide_id, file, status.st_size, status.st_mtime_ns)

    def require_unchanged(self) -> None:
        """Raise when the file is not the one that was attached.

        Raises
        ------
        StoreError
        """
        try:
            now = self.file.path.stat()
        except OSError as error:
            msg = f"The features of {self.slide_id} are gone: {self.file.path} ({error})."
            raise StoreError(msg) from error
        if (now.st_size, now.st_mtime_ns) != (self.size_bytes, self.mtime_ns):
            msg = (
                f"{self.file.path} was changed after it was attached. Attach the folder again: "
                "msfusion cohort attach-features."
            )
            raise StoreError(msg)


def features_fingerprint(name: str) -> str:
    """Return what stands for a model when features come from elsewhere under a name."""
    # The prefix keeps it apart from the fingerprint of a model, a digest of weights.
    return hashlib.sha256(f"imported features: {name}".encode()).hexdigest()


def attached_path(root: Path, fingerprint: str) -> Path:
    """Return where the table of attached files is or would be."""
    return root / FOLDER / f"{fingerprint}.parquet"


def attached_fingerprints(root: Path) -> set[str]:
    """Return what stands for the models of all attached folders."""
    return {path.stem for path in attached_tables(root)}


def attached_tables(root: Path) -> list[Path]:
    """Return the tables of all attached folders, sorted."""
    # Not a glob, for which a folder that cannot be read is an empty one.
    return sorted(path for path in entries_of(root / FOLDER) if path.suffix == ".parquet")


def write_attached(
    root: Path, fingerprint: str, rows: list[Attached], notes: dict[str, Any]
) -> None:
    """Write the table of attached files, all at once.

    Raises
    ------
    StoreError
    """
    columns: dict[str, list[Any]] = {
        "slide_id": [row.slide_id for row in rows],
        "path": [escape_path(row.file.path.absolute()) for row in rows],
        "size_bytes": [row.size_bytes for row in rows],
        "mtime_ns": [row.mtime_ns for row in rows],
    }
    for name in ("layout", "n_patches", "features", "encoder", "size_l0", "dataset"):
        columns[name] = [getattr(row.file, name) for row in rows]
    path = attached_path(root, fingerprint)
    made_folder(path.parent)
    write_stored(path, pa.table(columns), {"attached": json.dumps(notes)}, kind="modality")


def attached_rows(root: Path, fingerprint: str) -> tuple[dict[str, Attached], dict[str, Any]]:
    """Return the attached files by slide, and what is noted of all of them.

    Without a table there are none.
    """
    path = attached_path(root, fingerprint)
    if not path.is_file():
        return {}, {}
    table, notes = read_stored(path, "modality")
    rows = {}
    for row in table.to_pylist():
        file = FeatureFile(
            path_of(row), row["layout"], row["n_patches"], row["features"], row["encoder"],
            row["size_l0"], row["dataset"],
        )  # fmt: skip
        rows[row["slide_id"]] = Attached(row["slide_id"], file, row["size_bytes"], row["mtime_ns"])
    found: dict[str, Any] = json.loads(notes["attached"])
    return rows, found
