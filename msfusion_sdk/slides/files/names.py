"""The slide id that a path stands for, and the names of the files that hold its results."""

import hashlib
import os
from pathlib import Path

from msfusion_sdk.places.url import Url, find_url
from msfusion_sdk.tables.paths import escape_path

__all__ = ["result_name", "slide_id_of"]

SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        *("svs", "svslide", "tif", "tiff", "tf2", "tf8", "btf", "ndpi", "ndpis", "vms", "vmu"),
        *("scn", "mrxs", "bif", "vsi", "czi", "zarr", "dcm", "dicom"),
        *("png", "jpg", "jpeg", "bmp"),
    )
)
LONGEST_NAME = 180
"""Bytes; with a suffix and while it is written a name stays below the 255 of file systems."""


def slide_id_of(path: str | os.PathLike[str] | Url) -> str:
    """Return the name without the suffix of a slide format, as text that can be stored.

    What follows the last dot of another name is part of it, as in a UID.

    Examples
    --------
    >>> slide_id_of("a/TCGA-05.v2.svs"), slide_id_of("1.2.826.0.1"), slide_id_of("x.ome.tif")
    ('TCGA-05.v2', '1.2.826.0.1', 'x.ome')
    >>> slide_id_of("https://host/a%20b.svs?token=1")
    'a b'
    """
    url = find_url(path)
    name = _name_of(path) if url is None else url.name
    stem, dot, suffix = name.rpartition(".")
    is_suffix = bool(stem) and f"{dot}{suffix}".lower() in SUFFIXES
    text = stem if is_suffix else name
    return text if _is_text(text) else escape_path(text)


def result_name(slide_id: str) -> str:
    """Return the name, without a suffix, of the files with the results of a slide.

    Examples
    --------
    >>> result_name("S1")
    'S1'
    """
    name = slide_id.replace("/", "%2F").replace("\\0", "%00")
    data = name.encode("utf-8", "surrogateescape")
    if len(data) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(data).hexdigest()[:16]
    # Cut between characters: ``ignore`` drops half a character at the end.
    return f"{data[:120].decode('utf-8', 'ignore')}~~{digest}"


def _name_of(path: str | os.PathLike[str] | Url) -> str:
    assert not isinstance(path, Url)
    # Absolute, so that "." and a path that ends in ".." have a name.
    return Path(os.path.abspath(os.fsdecode(path))).name  # noqa: PTH100


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
