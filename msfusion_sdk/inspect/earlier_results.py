"""Results of slides in a folder are written over by new ones, and nothing else that lies there."""

import os
from collections.abc import Mapping
from pathlib import Path

from msfusion_sdk.encoder.result.geojson import is_own_geojson
from msfusion_sdk.figures.slides.small_png import is_own_png
from msfusion_sdk.files.replacing import holds, require_replaceable
from msfusion_sdk.places.url import Url, find_url
from msfusion_sdk.slides.files.names import result_name

__all__ = ["require_replaceable_results"]

IN_METADATA = b"msfusion", b"provenance"
REMEDY = "Choose another folder for the results, or move this file away first."

SlidePath = str | os.PathLike[str] | Url


def require_replaceable_results(slides: Mapping[str, SlidePath], folder: Path) -> None:
    """Raise where the results of slides would replace what is not an earlier result.

    An image may be encoded into the folder where it lies, and outlines of a slide often lie beside
    it: the names of both are those of results.

    Parameters
    ----------
    slides : mapping
        From slide id to file or address.
    folder : path
        Of the results; it may not be there yet.

    Raises
    ------
    StoreSchemaError
        Before anything is read.
    """
    given = {_identity(slide) for slide in slides.values() if find_url(slide) is None} - {None}
    for slide_id in slides:
        vector, picture, outlines = (
            folder / f"{result_name(slide_id)}.{ending}" for ending in ("parquet", "png", "geojson")
        )
        require_replaceable(vector, "a result", _is_own_vector, REMEDY)
        require_replaceable(outlines, "a result", is_own_geojson, REMEDY)
        if picture.is_file() and _identity(picture) in given:
            require_replaceable(picture, "a result", lambda _: False, REMEDY)
        # Those of before 0.2 have no mark: what lies beside our vector was written with it.
        elif not vector.is_file():
            require_replaceable(picture, "a result", is_own_png, REMEDY)


def _is_own_vector(path: Path) -> bool:
    return holds(path, *IN_METADATA)


def _identity(path: SlidePath) -> tuple[int, int] | None:
    try:
        status = Path(os.fspath(path)).stat()  # type: ignore[arg-type]
    except OSError:
        return None
    return status.st_dev, status.st_ino
