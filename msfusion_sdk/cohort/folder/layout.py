"""Where the tables of a cohort lie in its folder."""

from pathlib import Path

from msfusion_sdk.files import FolderKind, entries_of

__all__ = [
    "COHORT",
    "modality_names",
    "modality_path",
    "patients_path",
    "slides_path",
]

COHORT = FolderKind(
    "cohort", ("cohort.json", "patients.parquet", "slides.parquet"), "cohort.json", b"outcomes"
)


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
    # The files are the list: the manifest names none, so that the two cannot disagree.
    return [path.stem for path in entries_of(root / "modalities") if path.suffix == ".parquet"]
