"""Which slides there are, which class each has, and where its outlines are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msfusion_sdk.errors import DuplicateIdError, IdMismatchError, TableError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.pretraining.annotated.dataset_config import DatasetConfig
from msfusion_sdk.tables.arrow import name_of
from msfusion_sdk.tables.cells.placeholders import is_placeholder
from msfusion_sdk.tables.files.reading import read_strings
from msfusion_sdk.tables.files.table_file import TableFile
from msfusion_sdk.tables.frames import ID_COLUMN
from msfusion_sdk.tables.ids import find_bad_ids, find_repeated_ids
from msfusion_sdk.tables.issues import issue, require_no_errors
from msfusion_sdk.tables.paths import path_of
from msfusion_sdk.tables.slide_table import SLIDE_ID, find_bad_paths, find_bad_spacings, read_slides

__all__ = ["AnnotatedSlide", "list_slides"]

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
        Table with slide_id, patient_id, path (relative to the table's folder) and, where the
        header lacks it, mpp: the slide table of a cohort.
    annotations : path, optional
        Folder with ``<slide_id>.xml``, ``.geojson`` or ``.json``; None where the class of a slide
        is all that is known of it.
    patients : path, optional
        Table with patient_id and the column ``config.label``, when the slide table lacks it.

    Raises
    ------
    TableError
        When a column is missing or a cell of it is empty, or no slide has outlines; all that
        is wrong with the slides is reported at once.
    DuplicateIdError
        When a slide is listed twice or has two files of outlines.
    IdMismatchError
        When a patient is not in the patient table.
    """
    rows = _checked_rows(slides)
    ids = [row[SLIDE_ID] for row in rows]
    labels = None if config.label is None else _labels(rows, slides, config.label, patients)
    found = {} if annotations is None else _outlines(Path(annotations), ids)
    if annotations is not None and not found:
        msg = (
            f"{annotations} holds outlines of none of the {len(rows)} slides of {slides}. Name "
            f"them <slide_id>{', <slide_id>'.join(SUFFIXES)}; the first slide is {ids[0]!r}."
        )
        raise TableError(msg)
    return [
        AnnotatedSlide(
            slide_id=row[SLIDE_ID],
            patient_id=row[ID_COLUMN],
            path=path_of(row),
            mpp=row["mpp"],
            label=None if labels is None else labels[row[SLIDE_ID]],
            outlines=found.get(row[SLIDE_ID]),
        )
        # Not as listed: the draw of the slides looked at for the target goes by place.
        for row in sorted(rows, key=lambda row: row[SLIDE_ID])
    ]


def _checked_rows(slides: str | Path) -> list[dict[str, Any]]:
    """Return the rows of the slide table, or raise one error that lists all that is wrong."""
    table = read_slides(slides)
    ids, owners = (table.column(name).to_pylist() for name in (SLIDE_ID, ID_COLUMN))
    of_slides, of_patients = (f"{kind} ids of {name_of(slides)}" for kind in ("slide", "patient"))
    paths = table.column("path").to_pylist()
    without = [name for name, path in zip(ids, paths, strict=True) if not path]
    require_no_errors(
        [
            *find_bad_ids(ids, of_slides),
            *find_bad_ids(owners, of_patients),
            *find_repeated_ids([name for name in ids if name], of_slides, places=paths),
            *find_bad_spacings(table, slides),
            *issue(
                "Table",
                len(without) if len(without) == len(ids) else 0,
                f"{name_of(slides)} names no files: it needs the column 'path'.",
            ),
            *find_bad_paths(table),
        ]
    )
    return list(table.to_pylist())


def _labels(
    rows: Sequence[Mapping[str, Any]], slides: str | Path, label: str, patients: str | Path | None
) -> dict[str, str]:
    """Return the class of every slide."""
    if patients is None:
        return _classes(Path(slides), SLIDE_ID, label)
    class_of = _classes(Path(patients), ID_COLUMN, label)
    missing = sorted({row[ID_COLUMN] for row in rows} - set(class_of))
    if missing:
        msg = (
            f"{len(missing)} patients of {slides} are not in {patients} (first: {missing[0]!r}). "
            "Add them, or leave their slides out."
        )
        raise IdMismatchError(msg)
    return {row[SLIDE_ID]: class_of[row[ID_COLUMN]] for row in rows}


def _classes(path: Path, key: str, label: str) -> dict[str, str]:
    """Return the class of every slide or patient in a table, exactly as it is written."""
    table = read_strings(TableFile(path=path), (key, label))
    names, classes = (table.column(column).to_pylist() for column in (key, label))
    if not names:
        msg = f"{path} has no rows."
        raise TableError(msg)
    empty = [name for name, cell in zip(names, classes, strict=True) if is_placeholder(cell)]
    require_no_errors(
        [
            *find_repeated_ids(names, f"ids in the column {key!r} of {path.name}"),
            *issue(
                "Table",
                len(empty),
                f"{len(empty)} of {len(names)} cells in the column {label!r} of {path.name} hold "
                f"no class (first: {first_few(empty)}). Fill them, or leave the rows out.",
            ),
        ]
    )
    return dict(zip(names, classes, strict=True))


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
