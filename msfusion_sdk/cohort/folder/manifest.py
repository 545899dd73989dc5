"""``cohort.json``: what makes a folder a cohort, written last and read first."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from msfusion_sdk._version import __version__
from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.errors import StoreCorruptError, StoreSchemaError
from msfusion_sdk.files import storing
from msfusion_sdk.outcomes.declaration import Outcome
from msfusion_sdk.tables.ids import MAX_ID_BYTES
from msfusion_sdk.tables.issues import Issue

__all__ = ["CohortManifest", "IdRules", "read_manifest", "write_manifest"]

FILE_NAME = "cohort.json"
MANIFEST_VERSION = 1


class IdRules(FrozenConfig):
    """How ids are compared: recorded, so that a later version cannot change its mind."""

    comparison: Literal["as written"] = "as written"
    max_bytes: int = MAX_ID_BYTES


class CohortManifest(FrozenConfig):
    """What a cohort is made of, apart from its tables."""

    schema_version: int = MANIFEST_VERSION
    sdk_version: str = __version__
    id_rules: IdRules = IdRules()
    outcomes: Mapping[str, Outcome]
    findings: tuple[Issue, ...]
    """What was remarked when the cohort was created."""


def read_manifest(folder: Path) -> CohortManifest:
    """Return the manifest of the cohort in ``folder``.

    Raises
    ------
    StoreSchemaError
        When the folder holds no cohort, or one of a newer version.
    StoreCorruptError
        When the manifest is damaged.
    """
    path = folder / FILE_NAME
    try:
        data = json.loads(path.read_bytes())
        version = data["schema_version"]
        if version > MANIFEST_VERSION:
            msg = (
                f"{path} has schema version {version}, this SDK reads up to {MANIFEST_VERSION}. "
                "Upgrade msfusion-sdk."
            )
            raise StoreSchemaError(msg)
        return CohortManifest.model_validate(data)
    except FileNotFoundError as error:
        msg = (
            f"{folder} holds no cohort: there is no {FILE_NAME}. Check the path, or make one with "
            "Cohort.create."
        )
        raise StoreSchemaError(msg) from error
    except (ValueError, LookupError, TypeError, ValidationError) as error:
        msg = f"{path} is damaged ({error}). Bring it back from a copy, or create the cohort again."
        raise StoreCorruptError(msg) from error


def write_manifest(folder: Path, manifest: CohortManifest) -> None:
    """Write the manifest, all at once."""
    with storing(folder / FILE_NAME) as temporary:
        temporary.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
