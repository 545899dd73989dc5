"""The slides and tables that a model is applied to, named on a command line or in a table."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from msfusion_sdk.cohort.encoding.plan import SlideRow
from msfusion_sdk.errors import DuplicateIdError, TableError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.places.url import find_url
from msfusion_sdk.slides.files.names import slide_id_of
from msfusion_sdk.tables.arrow import TableSource, read_table
from msfusion_sdk.tables.frames import ID_COLUMN
from msfusion_sdk.tables.ids import find_bad_ids, find_repeated_ids
from msfusion_sdk.tables.issues import require_no_errors
from msfusion_sdk.tables.paths import place_of
from msfusion_sdk.tables.slide_table import SLIDE_ID, find_bad_spacings, read_slides

__all__ = ["NewSlide", "SlideSource", "read_new_slides", "read_new_tables"]

TABLES = (".csv", ".tsv", ".txt", ".parquet", ".pq")

SlideSource = Sequence[str | os.PathLike[str]] | TableSource


class NewSlide(NamedTuple):
    """A slide and the patient it belongs to."""

    patient_id: str
    row: SlideRow


def read_new_slides(slides: SlideSource, *, mpp: float | None = None) -> list[NewSlide]:
    """Return the slides that are meant.

    Parameters
    ----------
    slides : sequence of paths, or a table
        Of files, each is a slide of a patient of its own; its name without the suffix is the id
        of both.
        A table (a single path that ends in ``.csv``, ``.tsv``, ``.txt`` or ``.parquet``, a
        DataFrame or an Arrow table) has ``slide_id``, ``patient_id``, ``path`` and perhaps
        ``mpp``.
    mpp : float, optional
        µm per pixel of every slide that has none in the table; wins over the header.

    Raises
    ------
    TableError
        One of its kinds, with all that is wrong with the table.
    DuplicateIdError
        When two files have one name.
    """
    table = _as_table(slides)
    if table is None:
        assert isinstance(slides, Sequence)
        return _of_files(slides, mpp)
    found = read_slides(table)
    ids, owners = (found.column(name).to_pylist() for name in (SLIDE_ID, ID_COLUMN))
    require_no_errors(
        [
            *find_bad_ids(ids, "slide ids"),
            *find_bad_ids(owners, "patient ids"),
            *find_repeated_ids(ids, "slide ids"),
            *find_bad_spacings(found, table),
        ]
    )
    return [
        NewSlide(row[ID_COLUMN], SlideRow(row[SLIDE_ID], place_of(row), row["mpp"] or mpp))
        for row in found.to_pylist()
    ]


def read_new_tables(tables: Mapping[str, TableSource]) -> dict[str, pd.DataFrame]:
    """Return tables of a row per patient, by name, each indexed by patient_id.

    Raises
    ------
    TableError
        One of its kinds, with all that is wrong with the ids of one of them.
    """
    found = {}
    for name, source in tables.items():
        table = read_table(source, id_columns=(ID_COLUMN,))
        ids, what = table.column(ID_COLUMN).to_pylist(), f"patient ids of {name}"
        require_no_errors([*find_bad_ids(ids, what), *find_repeated_ids(ids, what)])
        frame: pd.DataFrame = table.to_pandas()
        found[name] = frame.set_index(ID_COLUMN)
    return found


def _as_table(slides: SlideSource) -> TableSource | None:
    """Return the table that is meant, None when files are."""
    if isinstance(slides, str | Path) or not isinstance(slides, Sequence):
        return slides
    # On a command line a table comes as a list of one path.
    files = [slide for slide in slides if find_url(slide) is None]
    named = [slide for slide in files if Path(slide).suffix.lower() in TABLES]
    if not named:
        return None
    if len(slides) > 1:
        msg = (
            f"{first_few(map(os.fspath, named))} among {len(slides)} slides is a table. Give one "
            "table, or slide files alone."
        )
        raise TableError(msg)
    return Path(named[0])


def _of_files(slides: Sequence[str | os.PathLike[str]], mpp: float | None) -> list[NewSlide]:
    paths = [find_url(slide) or Path(slide) for slide in slides]
    # The same name that encoding gives a file.
    names = [slide_id_of(path) for path in paths]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        both = [str(path) for path, name in zip(paths, names, strict=True) if name == twice[0]]
        msg = (
            f"{len(twice)} names are those of several slides (first: {first_few(both)}), and each "
            "name stands for a patient. Give a table with slide_id, patient_id and path instead."
        )
        raise DuplicateIdError(msg)
    return [
        NewSlide(name, SlideRow(name, path.absolute() if isinstance(path, Path) else path, mpp))
        for name, path in zip(names, paths, strict=True)
    ]
