"""Write the checked tables of a new cohort into its folder, all of them or none."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msfusion_sdk.cohort.folder.layout import patients_path, slides_path
from msfusion_sdk.cohort.folder.manifest import CohortManifest, write_manifest
from msfusion_sdk.cohort.intake.creation import CheckedCohort
from msfusion_sdk.files import made_folder
from msfusion_sdk.storage.schema import write_stored

__all__ = ["write_cohort"]


def write_cohort(root: Path, checked: CheckedCohort) -> CohortManifest:
    """Write the tables and then the manifest, which is what makes the folder a cohort.

    Raises
    ------
    StoreFullError, StoreError
        When something cannot be written; then nothing is left.
    """
    manifest = CohortManifest(outcomes=checked.outcomes, findings=checked.findings)
    made_folder(root)
    with _removed_on_error(patients_path(root), slides_path(root)):
        write_stored(patients_path(root), *checked.patients, kind="patients")
        if checked.slides is not None:
            write_stored(slides_path(root), *checked.slides, kind="slides")
        write_manifest(root, manifest)
    return manifest


@contextmanager
def _removed_on_error(*paths: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for path in paths:
            path.unlink(missing_ok=True)
        raise
