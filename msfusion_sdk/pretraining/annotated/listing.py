"""Which slides there are, which class each has, and where its outlines are."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from msfusion_sdk.errors import DuplicateIdError, IdMismatchError, TableError
from msfusion_sdk.pretraining.annotated.config import DatasetConfig
from msfusion_sdk.pretraining.index import read_strings

__all__ = ["AnnotatedSlide", "list_slides"]

COLUMNS = ("slide_id", "patient_id", "path")
SUFFIXES = (".geojson", ".json", ".xml")


@dataclass(frozen=True)
class AnnotatedSlide:
    """One row of the slide table, and the file with its outlines."""

    slide_id: str
    patient_id: str
    path: Path
    mpp: float | None
    label: str | None
    """Class of the slide; None when the outlines name their classes."""
    outlines: Path | None

    def is_normal(self, config: DatasetConfig) -> bool:
        """Return whether the slide is one without tumour."""
        return self.label == config.normal


def list_slides(
    slides: str | Path,
    annotations: str | Path | None,
    config: DatasetConfig,
    patients: str | Path | None = None,
) -> list[AnnotatedSlide]:
    """Return the slides of a table, in the order of their ids.

    Parameters
    ----------
    slides : path
        CSV with slide_id, patient_id, path (relative to the table's folder) and, where the
        header lacks it, mpp.
    annotations : path, optional
        Folder with ``<slide_id>.xml``, ``.geojson`` or ``.json``; None where the class of a slide
        is all that is known of it.
    patients : path, optional
        CSV with patient_id and the column ``config.label``, when the slide table lacks it.

    Raises
    ------
    TableError
        When a column is missing or a cell of it is empty, or no slide has outlines.
    DuplicateIdError
        When a slide is listed twice or has two files of outlines.
    IdMismatchError
        When a patient is not in the patient table.
    """
    table = _filled(Path(slides), COLUMNS)
    repeated = table["slide_id"][table["slide_id"].duplicated()]
    if len(repeated):
        msg = f"{slides} lists {len(repeated)} slides twice (first: {repeated.iloc[0]!r})."
        raise DuplicateIdError(msg)
    labels = _labels(table, slides, config.label, patients)
    found = {} if annotations is None else _outlines(Path(annotations), list(table["slide_id"]))
    if annotations is not None and not found:
        msg = (
            f"{annotations} holds outlines of none of the {len(table)} slides of {slides}. Name "
            f"them <slide_id>{', <slide_id>'.join(SUFFIXES)}; the first slide is "
            f"{table['slide_id'].iloc[0]!r}."
        )
        raise TableError(msg)
    folder = Path(slides).parent
    return [
        AnnotatedSlide(
            slide_id=row["slide_id"],
            patient_id=row["patient_id"],
            path=folder / row["path"],
            mpp=_number(row, slides),
            label=None if labels is None else labels[row["slide_id"]],
            outlines=found.get(row["slide_id"]),
        )
        for row in _records(table.sort_values("slide_id"))
    ]


def _filled(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a table of text whose ``columns`` have no empty cell."""
    table = read_strings(path, columns)
    for name in columns:
        empty = table[name].str.strip() == ""
        if empty.any():
            msg = (
                f"{path} has {int(empty.sum())} empty cells in the column {name!r} (first: row "
                f"{int(empty.to_numpy().argmax()) + 1}). Fill them, or leave the rows out."
            )
            raise TableError(msg)
    if not len(table):
        msg = f"{path} has no rows."
        raise TableError(msg)
    return table


def _records(table: pd.DataFrame) -> list[dict[str, str]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.itertuples(index=False)]


def _number(row: dict[str, str], path: str | Path) -> float | None:
    """Return the spacing that the table gives a slide; None where it gives none."""
    cell = row.get("mpp", "").strip()
    try:
        return float(cell) if cell else None
    except ValueError as error:
        msg = f"{path} has the mpp {cell!r} for slide {row['slide_id']!r}; it must be a number."
        raise TableError(msg) from error


def _labels(
    table: pd.DataFrame, slides: str | Path, label: str | None, patients: str | Path | None
) -> dict[str, str] | None:
    """Return the class of every slide; None when the outlines name theirs."""
    if label is None:
        return None
    if patients is None:
        labelled = _filled(Path(slides), (label,))
        return dict(zip(table["slide_id"], labelled[label], strict=True))
    people = _filled(Path(patients), ("patient_id", label))
    repeated = people["patient_id"][people["patient_id"].duplicated()]
    if len(repeated):
        msg = f"{patients} lists {len(repeated)} patients twice (first: {repeated.iloc[0]!r})."
        raise DuplicateIdError(msg)
    class_of = dict(zip(people["patient_id"], people[label], strict=True))
    missing = sorted(set(table["patient_id"]) - set(class_of))
    if missing:
        msg = (
            f"{len(missing)} patients of {slides} are not in {patients} (first: {missing[0]!r}). "
            "Add them, or leave their slides out."
        )
        raise IdMismatchError(msg)
    return {
        slide: class_of[patient]
        for slide, patient in zip(table["slide_id"], table["patient_id"], strict=True)
    }


def _outlines(folder: Path, slide_ids: list[str]) -> dict[str, Path]:
    """Return the file with the outlines of every slide that has one."""
    found: dict[str, Path] = {}
    for slide_id in slide_ids:
        files = [p for p in (folder / f"{slide_id}{s}" for s in SUFFIXES) if p.is_file()]
        if len(files) > 1:
            msg = (
                f"Slide {slide_id!r} has {len(files)} files of outlines "
                f"({', '.join(p.name for p in files)}). Keep one."
            )
            raise DuplicateIdError(msg)
        if files:
            found[slide_id] = files[0]
    return found
