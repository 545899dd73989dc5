"""All annotated slides to dataset 1 and dataset 2, split by patient; resumed slide by slide.

OUT/slides/<key>.json           what a slide gave, written when all its images are there
OUT/slides.csv                  a row per slide: status, reason, numbers of images
OUT/context/<class>/<file>      dataset 1: context images; OUT/context/index.csv
OUT/detail/<class>/<file>       dataset 2: tiles; OUT/detail/index.csv
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

from msfusion_sdk.config import EncoderConfig
from msfusion_sdk.errors import AnnotationError, SlideError, StoreCorruptError, TableError
from msfusion_sdk.files import made_folder, store_text
from msfusion_sdk.files.csv_text import csv_for_people
from msfusion_sdk.monitoring.progress import Progress
from msfusion_sdk.pretraining.annotated.cutting import cut_slide, slide_key
from msfusion_sdk.pretraining.annotated.dataset_config import DatasetConfig
from msfusion_sdk.pretraining.annotated.listing import AnnotatedSlide
from msfusion_sdk.pretraining.index import PARTS, Part
from msfusion_sdk.pretraining.views import Scale
from msfusion_sdk.storage.records import RecordErrors, read_content, sealed

__all__ = ["cut_slides", "read_earlier", "write_index"]

FORMAT = 2
"""Of the record of a slide."""
Record = dict[str, Any]
"""Of one slide: slide_id, status, reason, facts, and rows with scale, class and file."""


def cut_slides(
    slides: Sequence[AnnotatedSlide],
    out: Path,
    config: DatasetConfig,
    encoder: EncoderConfig,
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[Record]:
    """Cut every slide that is not cut yet, and return what each one gave.

    A slide that cannot be read, or has no outlines, gives no image and a reason; it is tried
    again in the next run.

    Parameters
    ----------
    workers : int
        Slides cut at a time, in threads: decoding releases the interpreter lock.
    """
    made_folder(out / "slides")
    records: list[Record] = []
    with ThreadPoolExecutor(max(1, workers), thread_name_prefix="msfusion-cut") as pool:
        # In the order of the slides, whichever is done first: the index is the same in every run.
        done: Iterable[Record] = pool.map(lambda s: _cut_once(s, out, config, encoder), slides)
        for record in done:
            records.append(record)
            if progress:
                text = f"{record['slide_id']}: {record['status']}"
                progress("datasets", len(records), len(slides), text)
    store_text(out / "slides.csv", csv_for_people(_summary(records)))
    return records


def write_index(
    records: Sequence[Record],
    slides: Sequence[AnnotatedSlide],
    parts: dict[str, Part],
    folder: Path,
    scale: Scale,
) -> Path:
    """Write the ``index.csv`` of one dataset and return its folder.

    Parameters
    ----------
    parts : dict of patient_id to part
    """
    patient_of = {slide.slide_id: slide.patient_id for slide in slides}
    rows = [
        {
            "class": row["class"],
            "file": row["file"],
            "group": patient_of[record["slide_id"]],
            "part": parts[patient_of[record["slide_id"]]],
            "slide": record["slide_id"],
        }
        for record in records
        for row in record["rows"]
        if row["scale"] == scale
    ]
    table = pd.DataFrame(rows, columns=["class", "file", "group", "part", "slide"])
    _require_every_class(table, scale)
    store_text(made_folder(folder / scale) / "index.csv", table.to_csv(index=False))
    return folder / scale


def _require_every_class(table: pd.DataFrame, scale: Scale) -> None:
    """Refuse a dataset in which a part lacks a class, saying how many patients have which."""
    people = table.groupby("class")["group"].nunique()
    counts = {str(name): int(count) for name, count in people.items()}
    if len(counts) < 2:
        msg = (
            f"The {scale} images have the classes {counts or 'none'} (patients of each), and "
            "training needs two. See datasets/slides.csv for what each slide gave; name the "
            "column with the slides' classes, or the class of tissue outside outlines."
        )
        raise TableError(msg)
    for part in PARTS:
        absent = sorted(set(counts) - set(table.loc[table["part"] == part, "class"]))
        if absent:
            msg = (
                f"No {part} patient has {scale} images of the class {', '.join(absent)} (patients "
                f"of each class: {counts}). Add patients: each class needs at least three."
            )
            raise TableError(msg)


def _cut_once(
    entry: AnnotatedSlide, out: Path, config: DatasetConfig, encoder: EncoderConfig
) -> Record:
    """Return the record of a slide, from an earlier run when nothing has changed since."""
    path = out / "slides" / f"{slide_key(entry.slide_id)}.json"
    try:
        settings = _settings(entry, config, encoder)
        earlier = read_earlier(path)
        if earlier is not None:
            if earlier["settings"] == settings:
                return earlier
            # By now a patch may have another class, or none, and its old image would stay behind.
            _remove_images(earlier, out)
        cut = cut_slide(entry, out, config, encoder)
    except (SlideError, AnnotationError, TableError) as error:
        # A full disk is none of these: it stops the run, and what is done stays.
        return {
            "slide_id": entry.slide_id, "status": "failed", "rows": [], "facts": {},
            "reason": f"{type(error).__name__}: {error}",
        }  # fmt: skip
    status = "ok" if cut.rows else "empty"
    reason = cut.facts["empty"] or ("" if cut.rows else "no image is enough inside or outside")
    record = {
        "format": FORMAT, "slide_id": entry.slide_id, "status": status, "reason": reason,
        "settings": settings, "facts": cut.facts, "rows": cut.rows,
    }  # fmt: skip
    store_text(path, sealed(record))
    return record


def read_earlier(path: Path) -> Record | None:
    """Return what an earlier run noted of a slide; None has it cut anew."""
    try:
        return read_content(path, RecordErrors("Remove it, and run again."), version=FORMAT)
    except (FileNotFoundError, StoreCorruptError):
        return None


def _settings(entry: AnnotatedSlide, config: DatasetConfig, encoder: EncoderConfig) -> str:
    """Return a digest of all that decides the images of a slide."""
    files = [entry.path, entry.outlines]
    # Size and time instead of contents: slides are gigabytes, and all are asked in every run.
    stats = [(s.st_size, s.st_mtime_ns) for s in (f.stat() for f in files if f and f.exists())]
    # Without the target's name: its stains count, and the digest of the encoder holds them.
    parts = [
        entry.label, entry.mpp, stats, config.model_dump(exclude={"target"}), encoder.digest(),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _remove_images(record: Record, out: Path) -> None:
    for row in record["rows"]:
        (out / row["scale"] / row["class"] / row["file"]).unlink(missing_ok=True)


def _summary(records: Sequence[Record]) -> pd.DataFrame:
    rows = []
    for record in records:
        images = pd.DataFrame(record["rows"], columns=["scale", "class", "file"])
        numbers = (images["scale"] + " " + images["class"]).value_counts().to_dict()
        keys = ("slide_id", "status", "reason")
        rows.append({**{k: record[k] for k in keys}, **record["facts"], **numbers})
    return pd.DataFrame(rows).fillna("")
