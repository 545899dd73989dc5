"""Write the checked tables of a new cohort into its folder, all of them or none."""

from pathlib import Path

from msfusion_sdk.cohort.folder.layout import COHORT, patients_path, slides_path
from msfusion_sdk.cohort.folder.manifest import CohortManifest, write_manifest
from msfusion_sdk.cohort.intake.creation import CheckedCohort
from msfusion_sdk.files import making, require_free
from msfusion_sdk.storage.schema import write_stored

__all__ = ["require_new_cohort", "write_cohort"]

REMEDY = (
    "Choose a new folder, or go on with the cohort in it: Cohort.open, in the shell msfusion "
    "cohort status and add."
)


def require_new_cohort(root: Path) -> None:
    """Raise unless a cohort may be made in a folder: it is new, empty, or left unfinished.

    Raises
    ------
    StoreError
    """
    require_free(root, COHORT, REMEDY)


def write_cohort(root: Path, checked: CheckedCohort) -> CohortManifest:
    """Write the tables and the manifest, which is what makes the folder a cohort.

    Raises
    ------
    StoreFullError, StoreError
        When something cannot be written; then nothing is left.
    """
    manifest = CohortManifest(outcomes=checked.outcomes, findings=checked.findings)
    with making(root, COHORT, REMEDY) as staged:
        write_stored(patients_path(staged), *checked.patients, kind="patients")
        if checked.slides is not None:
            write_stored(slides_path(staged), *checked.slides, kind="slides")
        write_manifest(staged, manifest)
    return manifest
