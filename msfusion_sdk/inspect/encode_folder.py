"""Encode slides into a folder of results: Parquet, GeoJSON and overlay for each.

One bad slide never stops the others; what is written is complete.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.encoder.result.embedding import SlideEmbedding, of_original
from msfusion_sdk.encoder.slide_encoder import SlideEncoder
from msfusion_sdk.errors import DuplicateIdError, NonFiniteVectorError, SlideError, StoreError
from msfusion_sdk.figures.slides.overlay import write_overlay
from msfusion_sdk.files import made_folder
from msfusion_sdk.inspect.earlier_results import require_replaceable_results
from msfusion_sdk.places.url import find_url, require_disk
from msfusion_sdk.remote.copies import LocalSlide, copies_ahead
from msfusion_sdk.slides.files.names import result_name, slide_id_of
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.readers.file_kind import classify

__all__ = ["SlideResult", "encode_to_folder"]

SlidePath = str | os.PathLike[str]
STAGING_GB = 100.0


class SlideResult(FrozenConfig):
    """How the encoding of one slide ended."""

    slide_id: str
    status: str
    """ok | ok_with_warnings | empty | failed"""
    code: str = ""
    """Of the error, for a slide that failed."""
    reason: str = ""
    n_patches: int = 0
    tissue_recall: float | None = None
    seconds: float = 0.0


def encode_to_folder(
    encoder: SlideEncoder,
    slides: Sequence[SlidePath],
    folder: str | Path,
    *,
    mpp: float | None = None,
    patches: bool = False,
    overwrite: bool = False,
    staging: str | Path | None = None,
    staging_gb: float = STAGING_GB,
    progress: Callable[[str, int, int], None] | None = None,
) -> Iterator[SlideResult]:
    """Encode slides one after the other and yield how each ended.

    Writes ``<slide_id>.parquet``, ``<slide_id>.geojson`` and ``<slide_id>.png`` into
    ``folder``; the slide id is the file's name without its suffix.  A picture that cannot be
    drawn is a warning.

    Parameters
    ----------
    encoder : SlideEncoder
    slides : sequence of paths
        In the order in which they are encoded; also addresses (``s3://``, ``gs://``, ``az://``,
        ``https://``), from which the next slide is fetched while one is encoded.
    folder : path
        Made if it is not there.
    mpp : float, optional
        µm per pixel of level 0 of every slide; wins over the headers.
    patches : bool
        True also stores the patch vectors, about 5 kB a patch.
    overwrite : bool
        True replaces the results of another file of the same name; else that slide fails.
    staging : path, optional
        Local folder for copies of slides at addresses; by default the system's of temporary files.
    staging_gb : float
        The copies together are never larger.
    progress : callable, optional
        Called with (slide id, patches done, patches in all).

    Raises
    ------
    DuplicateIdError
        Before anything is read, when two slides would write the same files.
    StoreSchemaError
        Before anything is read, when a file that is no result would be replaced: a slide itself,
        or outlines of it.
    StoreError
        When a result cannot be written: the next one could not be either.
    """
    ids = [slide_id_of(slide) for slide in slides]
    # Names that differ only by case are one file on macOS and Windows.
    twice = [name for name, count in Counter(name.casefold() for name in ids).items() if count > 1]
    if twice:
        both = [
            str(find_url(s) or os.fspath(s))
            for s, name in zip(slides, ids, strict=True)
            if name.casefold() == twice[0]
        ]
        msg = (
            f"{len(twice)} slide ids occur more than once (first: {', '.join(both[:3])}), and "
            "their results would overwrite each other. Rename the files, or encode them into "
            "different folders."
        )
        raise DuplicateIdError(msg)
    folder = require_disk(folder, "The folder of results")
    require_replaceable_results(dict(zip(ids, slides, strict=True)), folder)
    made_folder(folder)
    where = None if staging is None else require_disk(staging, "The folder for copies")
    copies = copies_ahead(slides, where, staging_gb)
    with closing(copies):
        for copy, slide_id in zip(copies, ids, strict=True):
            start = time.monotonic()
            try:
                if isinstance(copy, SlideError):
                    raise copy
                if not overwrite:
                    _require_own_results(copy, slide_id, Path(folder))
                outcome = _encode_one(encoder, copy, slide_id, Path(folder), mpp, patches, progress)
            except (SlideError, NonFiniteVectorError, DuplicateIdError) as error:
                reason = str(error) if isinstance(copy, SlideError) else copy.named(error)
                outcome = SlideResult(
                    slide_id=slide_id, status="failed", code=error.code, reason=reason
                )
            yield outcome.model_copy(update={"seconds": time.monotonic() - start})


def _encode_one(
    encoder: SlideEncoder,
    slide: LocalSlide,
    slide_id: str,
    folder: Path,
    mpp: float | None,
    patches: bool,
    progress: Callable[[str, int, int], None] | None,
) -> SlideResult:
    def tell(done: int, total: int) -> None:
        if progress:
            progress(slide_id, done, total)

    result = encoder.encode(slide.path, mpp=mpp, slide_id=slide_id, progress=tell)
    target = folder / result_name(slide_id)
    undrawn = slide.named(_draw(slide.path, result, target.with_name(f"{target.name}.png")))
    if slide.stamp is not None:
        result = of_original(result, slide.stamp)
    result.to_geojson(target.with_name(f"{target.name}.geojson"))
    # Last, so that a slide with a Parquet file has its pictures too.
    result.to_parquet(target.with_name(f"{target.name}.parquet"), patches=patches)
    return SlideResult(
        slide_id=slide_id,
        status="ok_with_warnings" if undrawn and result.status == "ok" else result.status,
        reason="; ".join(filter(None, [result.reason, undrawn])),
        n_patches=result.patches.num_rows,
        tissue_recall=result.provenance.tissue.tissue_recall,
    )


def _draw(slide: SlidePath, result: SlideEmbedding, path: Path) -> str:
    """Draw the overlay, or say why there is none: a vector is worth more than its picture.

    Raises
    ------
    StoreError
        When it cannot be written: the next one could not be either.
    """
    try:
        write_overlay(slide, result, path)
    except StoreError:
        raise
    except Exception as error:  # of the slide, of matplotlib, of Pillow
        return f"the overlay could not be drawn ({type(error).__name__}: {error})"
    return ""


def _require_own_results(slide: LocalSlide, slide_id: str, folder: Path) -> None:
    """Raise ``DuplicateIdError`` when the results in the folder are those of another file."""
    name = f"{result_name(slide_id)}.parquet"
    try:
        before = SlideEmbedding.from_parquet(folder / name)
    except (OSError, KeyError):  # none, or none that is of use
        return
    stored, now = before.provenance.slide, slide.stamp or classify(slide.path).stamp
    found = stored.size_bytes, stored.mtime_ns, stored.remote
    if found == (now.size_bytes, now.mtime_ns, now.remote):
        return
    if stored.size_bytes == now.size_bytes and stored.quickhash is not None:
        # Any spacing will do: only the header is asked for.
        with open_slide(slide.path, mpp=1.0) as opened:
            if opened.header.quickhash == stored.quickhash:  # a copy, or touched
                return
    msg = (
        f"{folder / name} holds the results of another file ({stored.size_bytes} bytes), and those "
        f"of {slide.shown} ({now.size_bytes} bytes) would overwrite them. Rename the file, "
        "encode it into another folder, or pass overwrite=True (--overwrite)."
    )
    raise DuplicateIdError(msg)
