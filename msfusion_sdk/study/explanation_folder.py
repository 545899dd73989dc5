"""An explanation as a folder: a table, and for each slide a map, its patches and a GeoJSON file.

explanation.json     the score, its baseline, the check by deletion
patches.parquet      a row per patch: slide_id, x, y, size_px, weight, contribution
map-<n>.png          slide n with what each patch adds
strongest-<n>.png    its patches that speak most for and most against
tiles-<n>.geojson    its patches for QuPath, with weight and contribution
"""

from pathlib import Path
from typing import ClassVar, NamedTuple, Self

import pandas as pd
import pyarrow as pa

from msfusion_sdk.cohort.cohort import Cohort
from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.encoder.result.geojson import write_measured_tiles
from msfusion_sdk.errors import SlideError
from msfusion_sdk.figures.slides.shares import draw_shares, draw_strongest
from msfusion_sdk.figures.slides.small_png import write_small_png
from msfusion_sdk.figures.slides.thumbnail import read_ground
from msfusion_sdk.files import FolderKind, making, require_finished, storing
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.storage.records import RecordErrors, read_record, write_record
from msfusion_sdk.study.explaining import Explanation, strongest
from msfusion_sdk.tables.paths import path_of

__all__ = ["EXPLANATION", "EXPLANATION_FILE", "ExplanationRecord", "write_explanation"]

EXPLANATION_FILE = "explanation.json"
PATCHES_FILE = "patches.parquet"
EXPLANATION = FolderKind(
    "explanation",
    (EXPLANATION_FILE, PATCHES_FILE, "map-*.png", "strongest-*.png", "tiles-*.geojson"),
    EXPLANATION_FILE,
    b'"random_removed"',
)
ERRORS = RecordErrors("Write it again: msfusion explain.")


class ExplanationRecord(FrozenConfig):
    """What ``explanation.json`` holds."""

    VERSION: ClassVar = 2

    format: int = VERSION
    patient_id: str
    of: str
    """``risk``, or the class."""
    score: float
    baseline: float
    patches: int
    removed: int
    """Patches taken away for the check: a tenth of them."""
    strongest_removed: float
    """How the score changes without those that take it farthest from the baseline."""
    random_removed: float
    """The mean size of the change without as many by chance."""
    slides: tuple[str, ...]
    """Ids, in the order of the numbers in the names of the pictures."""
    not_drawn: dict[str, str]
    """Why a slide has no pictures."""
    command: str = ""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the record in a folder.

        Raises
        ------
        FileNotFoundError
            When there is none.
        StoreError
            When it is damaged, or of a newer version.
        """
        require_finished(folder)
        return read_record(cls, folder / EXPLANATION_FILE, ERRORS, version=cls.VERSION)


def write_explanation(
    explanation: Explanation, cohort: Cohort, folder: str | Path, *, command: str = ""
) -> ExplanationRecord:
    """Write an explanation and return what ``explanation.json`` holds.

    A slide file that is gone has no pictures; the record says why.

    Parameters
    ----------
    explanation : Explanation
        As ``explain_on_cohort`` returns it.
    cohort : Cohort
        That it is of, for the slide files.
    folder : path
        Made if it is not there; an earlier explanation in it is written over.
    command : str
        What was typed to get it, for reports.

    Raises
    ------
    StoreError
        When the folder cannot be written, or holds files of these names that are something else.
    """
    with making(Path(folder), EXPLANATION) as staged:
        with storing(staged / PATCHES_FILE) as temporary:
            explanation.patches.to_parquet(temporary, index=False)
        not_drawn = _draw_slides(explanation, cohort, staged)
        record = _record(explanation, not_drawn, command)
        write_record(staged / EXPLANATION_FILE, record)
    return record


def _draw_slides(explanation: Explanation, cohort: Cohort, folder: Path) -> dict[str, str]:
    """Write tiles and pictures of each slide; return why some have no pictures."""
    files = {} if cohort.slides is None else _files(cohort.slides)
    not_drawn = {}
    for number, slide_id in enumerate(_slides_of(explanation), 1):
        rows = explanation.patches[explanation.patches["slide_id"] == slide_id]
        _write_tiles(rows, folder / f"tiles-{number}.geojson")
        pictures = folder / f"map-{number}.png", folder / f"strongest-{number}.png"
        try:
            _draw(files[slide_id], rows, explanation.of, pictures)
        # Numbers do not need the pixels of a slide: a file that is gone costs its pictures only.
        except SlideError as error:
            not_drawn[slide_id] = str(error)
    return not_drawn


def _slides_of(explanation: Explanation) -> tuple[str, ...]:
    return tuple(dict.fromkeys(explanation.patches["slide_id"]))


def _record(explanation: Explanation, not_drawn: dict[str, str], command: str) -> ExplanationRecord:
    deletion = explanation.deletion
    return ExplanationRecord(
        patient_id=explanation.patient_id,
        of=explanation.of,
        score=explanation.score,
        baseline=explanation.baseline,
        patches=len(explanation.patches),
        removed=deletion.removed,
        strongest_removed=deletion.strongest,
        random_removed=deletion.random,
        slides=_slides_of(explanation),
        not_drawn=not_drawn,
        command=command,
    )


class _SlideFile(NamedTuple):
    path: Path
    mpp: float | None
    """That of the slide table, where the header states none."""


def _files(slides: pa.Table) -> dict[str, _SlideFile]:
    rows = slides.to_pylist()
    return {row["slide_id"]: _SlideFile(path_of(row), row.get("mpp")) for row in rows}


def _write_tiles(rows: pd.DataFrame, path: Path) -> None:
    write_measured_tiles(
        path,
        [
            {
                **{name: row[name] for name in ("x", "y", "size_px")},
                "measurements": {name: row[name] for name in ("weight", "contribution")},
            }
            for row in rows.to_dict("records")
        ],
    )


def _draw(found: _SlideFile, rows: pd.DataFrame, of: str, to: tuple[Path, Path]) -> None:
    """Draw the map and the strongest patches of a slide file, into two files."""
    with open_slide(found.path, mpp=found.mpp) as opened:
        mpp = opened.spacing().mpp
        overview = read_ground(opened, mpp)
    write_small_png(draw_shares(overview, rows, of=of, mpp=mpp), to[0])
    sheet = draw_strongest(found.path, *strongest(rows), mpp=mpp, given_mpp=found.mpp)
    write_small_png(sheet, to[1])
