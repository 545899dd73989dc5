"""Where the tables of a cohort lie in its folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msfusion_sdk.cohort.folder.manifest import CohortManifest, write_manifest
from msfusion_sdk.cohort.intake.creation import CheckedCohort
from msfusion_sdk.errors import StoreError
from msfusion_sdk.storage.schema import write_stored

__all__ = [
    "modality_names",
    "modality_path",
    "patients_path",
    "refuse_used",
    "slides_path",
    "write_cohort",
]


def patients_path(root: Path) -> Path:
    """Return where the patient table is."""
    return root / "patients.parquet"


def slides_path(root: Path) -> Path:
    """Return where the slide table is, if there is one."""
    return root / "slides.parquet"


def modality_path(root: Path, name: str) -> Path:
    """Return where the table of a modality is or would be."""
    return root / "modalities" / f"{name}.parquet"


def modality_names(root: Path) -> list[str]:
    """Return the names of the modalities, sorted."""
    return sorted(path.stem for path in root.glob("modalities/[!.]*.parquet"))


def refuse_used(root: Path) -> None:
    """Refuse a folder that holds anything: it may be the user's own tables.

    Raises
    ------
    StoreError
    """
    is_free = not root.exists() or (
        root.is_dir() and all(path.name.startswith(".") for path in root.iterdir())
    )
    if not is_free:
        msg = f"{root} is not empty. Choose a new folder, or open the cohort in it: Cohort.open."
        raise StoreError(msg)


def write_cohort(root: Path, checked: CheckedCohort) -> CohortManifest:
    """Write the tables and then the manifest, which is what makes the folder a cohort.

    Raises
    ------
    StoreFullError, StoreError
        When something cannot be written; then nothing is left.
    """
    manifest = CohortManifest(outcomes=checked.outcomes, findings=checked.findings)
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"The folder {root} cannot be made: {error.strerror or error}. Choose another one."
        raise StoreError(msg) from error
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
