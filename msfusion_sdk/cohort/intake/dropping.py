"""Take a model out of a cohort: its vectors, patch rows, statuses and attached files' table."""

import shutil
from pathlib import Path

from msfusion_sdk.cohort.features.attached import attached_path
from msfusion_sdk.files import store_error, temporary_beside

__all__ = ["drop_model"]

FOLDERS = ("patches", "ledger", "embeddings")
"""Emptied in this order: the last is what makes a model known."""


def drop_model(root: Path, fingerprint: str) -> None:
    """Remove all that a cohort holds of one model; files of features that are attached stay.

    Raises
    ------
    StoreError
        When something cannot be removed.
    """
    try:
        attached_path(root, fingerprint).unlink(missing_ok=True)
        for name in FOLDERS:
            folder = root / name / fingerprint
            if folder.is_dir():
                # Renamed first: no reader finds half of a model.
                gone = temporary_beside(folder)
                folder.rename(gone)
                shutil.rmtree(gone)
    except OSError as error:
        raise store_error(root, error) from error
