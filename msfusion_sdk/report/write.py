"""One HTML file on cohorts, evaluations and models."""

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msfusion_sdk._version import __version__
from msfusion_sdk.errors import StoreAbsentError, StoreSchemaError
from msfusion_sdk.files import store_text
from msfusion_sdk.files.replacing import holds, require_replaceable
from msfusion_sdk.report.chapters.cohort import CohortChapter, cohort_chapter
from msfusion_sdk.report.chapters.evaluation import EvaluationChapter, evaluation_chapter
from msfusion_sdk.report.chapters.model import ModelChapter, model_chapter
from msfusion_sdk.report.chapters.validation import ValidationChapter, validation_chapter
from msfusion_sdk.report.html.render import render
from msfusion_sdk.study.evaluation_record import EVALUATION_FILE
from msfusion_sdk.validation.record import VALIDATION_FILE

__all__ = ["write_report"]

_BAD = ("failed", "crashed", "timeout", "changed")
"""Cells that hold just this are marked."""
GENERATOR = b'<meta name="generator" content="msfusion_sdk'

Chapter = CohortChapter | EvaluationChapter | ModelChapter | ValidationChapter


def write_report(
    folders: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    path: str | Path,
    *,
    model: str | None = None,
    notice: str = "",
) -> Path:
    """Write a page on one or more folders, a chapter each, and return its path.

    The page needs no other file and no network.  Nothing is computed anew but pictures: every
    number is one that a command prints, and the page names the command.

    Parameters
    ----------
    folders : path or sequence of paths
        A cohort, a model that ``msfusion train`` wrote, or a folder that ``msfusion evaluate
        --out`` or ``msfusion validate --out`` wrote.
    path : path
        The ``.html`` file; written atomically.
    model : str, optional
        The first letters of a fingerprint, when several models have encoded a cohort.
    notice : str
        What readers must know before anything else: that data are synthetic, say.

    Raises
    ------
    StoreSchemaError
        When a folder is none of these.
    StoreError
        When a folder is damaged, several models are meant, the page cannot be written, or a file
        lies there that is no such page.
    """
    require_replaceable(Path(path), "a report", lambda there: holds(there, GENERATOR))
    if not folders:
        msg = "No folder was given: pass a cohort, a model or an evaluation."
        raise ValueError(msg)
    given = [folders] if isinstance(folders, str | os.PathLike) else folders
    chapters = [chapter for folder in given for chapter in _chapters(Path(folder), model)]
    more = f" and {len(chapters) - 1} more" if len(chapters) > 1 else ""
    text = render(
        title=f"Report: {chapters[0].title}{more}",
        chapters=chapters,
        notice=notice,
        bad=_BAD,
        version=__version__,
        written_at=f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
    )
    return store_text(Path(path), text)


def _chapters(folder: Path, model: str | None) -> list[Chapter]:
    """Return a chapter for each thing that the folder is."""
    kinds: dict[str, Callable[[], Chapter]] = {
        "cohort.json": lambda: cohort_chapter(folder, model),
        EVALUATION_FILE: lambda: evaluation_chapter(folder),
        VALIDATION_FILE: lambda: validation_chapter(folder),
        "training.json": lambda: model_chapter(folder),
    }
    if not folder.is_dir():
        msg = f"There is no folder {folder}: the command that makes it may have ended in an error."
        raise StoreAbsentError(msg)
    # A folder may be several: a model with its evaluation in it, say.
    chapters = [make() for name, make in kinds.items() if (folder / name).is_file()]
    if not chapters:
        msg = (
            f"There is nothing to report on in {folder}: it has none of {', '.join(kinds)}. Pass a "
            "cohort, a model folder of msfusion train, or a folder of msfusion evaluate --out or "
            "msfusion validate --out."
        )
        raise StoreSchemaError(msg)
    return chapters
