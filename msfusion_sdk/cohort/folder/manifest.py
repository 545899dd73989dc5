"""``cohort.json``: what makes a folder a cohort, written last and read first."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msfusion_sdk._version import __version__
from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.errors import StoreSchemaError
from msfusion_sdk.files import require_finished
from msfusion_sdk.outcomes.declaration import AnyDeclaration
from msfusion_sdk.storage.records import RecordErrors, read_record, write_record
from msfusion_sdk.tables.ids import MAX_ID_BYTES
from msfusion_sdk.tables.issues import Issue

__all__ = ["CohortManifest", "IdRules", "read_manifest", "write_manifest"]

FILE_NAME = "cohort.json"
MANIFEST_VERSION = 2
ERRORS = RecordErrors("Bring it back from a copy, or create the cohort again.")


class IdRules(FrozenConfig):
    """How ids are compared: recorded, so that a later version cannot change its mind."""

    comparison: Literal["as written"] = "as written"
    max_bytes: int = MAX_ID_BYTES


class CohortManifest(FrozenConfig):
    """What a cohort is made of, apart from its tables."""

    schema_version: int = MANIFEST_VERSION
    sdk_version: str = __version__
    id_rules: IdRules = IdRules()
    outcomes: Mapping[str, AnyDeclaration]
    findings: tuple[Issue, ...]
    """What was remarked when the cohort was created."""


def read_manifest(folder: Path) -> CohortManifest:
    """Return the manifest of the cohort in ``folder``.

    Raises
    ------
    StoreSchemaError
        When the folder holds no cohort; StoreVersionError when it is one of a newer version.
    StoreCorruptError
        When the manifest is damaged.
    StoreError
        When it cannot be read.
    """
    require_finished(folder)
    path = folder / FILE_NAME
    try:
        return read_record(
            CohortManifest, path, ERRORS, version=MANIFEST_VERSION, key="schema_version"
        )
    except (FileNotFoundError, NotADirectoryError) as error:
        msg = (
            f"{folder} holds no cohort: there is no {FILE_NAME}. Check the path, or make one: "
            "Cohort.create, in the shell msfusion cohort create."
        )
        raise StoreSchemaError(msg) from error


def write_manifest(folder: Path, manifest: CohortManifest) -> None:
    """Write the manifest, all at once."""
    # What was read from an older version is of this one when it is written again.
    update = {"schema_version": MANIFEST_VERSION}
    write_record(folder / FILE_NAME, manifest.model_copy(update=update))
