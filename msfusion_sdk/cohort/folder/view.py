"""What readers of a cohort see of it: enough to export or to describe it, nothing to change it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from msfusion_sdk.cohort.folder.manifest import CohortManifest
from msfusion_sdk.tables.issues import CohortReport

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CohortView"]


class CohortView(Protocol):
    """A cohort, as :class:`~msfusion_sdk.cohort.cohort.Cohort` is one."""

    root: Path
    manifest: CohortManifest

    @property
    def patient_ids(self) -> list[str]:
        """The patients, in the order of their table."""

    @property
    def slides(self) -> pa.Table | None:
        """The slide table."""

    @property
    def modalities(self) -> list[str]:
        """The names of the modalities, sorted."""

    def modality(self, name: str) -> "pd.DataFrame":
        """Return the table of a modality, indexed by patient_id."""

    def outcome(self, name: str) -> "pd.DataFrame | pd.Series[Any]":
        """Return the labels of the patients who have this outcome."""

    def report(self) -> CohortReport:
        """Return what the cohort holds, in numbers."""
