"""Read outlines from a file of any known dialect; the content tells which it is."""

import codecs
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree

from msfusion_sdk.errors import AnnotationError
from msfusion_sdk.slides.annotations.building import build
from msfusion_sdk.slides.annotations.dicom_dialect import parse_dicom
from msfusion_sdk.slides.annotations.drawings import Contents
from msfusion_sdk.slides.annotations.json_dialects import parse_json
from msfusion_sdk.slides.annotations.result import AnnotatedRegion, Annotations
from msfusion_sdk.slides.annotations.xml_dialects import parse_asap, parse_imagescope

__all__ = ["read_annotations"]

XML_DIALECTS = {"ASAP_Annotations": parse_asap, "Annotations": parse_imagescope}
KNOWN = "ASAP XML, Aperio ImageScope XML, QuPath GeoJSON, NCRF JSON and V7 Darwin JSON 2.0"
FAULTS_SHOWN = 50


def read_annotations(
    path: str | os.PathLike[str],
    class_of: Callable[[AnnotatedRegion], str | None] | None = None,
) -> Annotations:
    """Return the outlines of a file in level-0 pixels, valid, with all repairs listed.

    Parameters
    ----------
    path : path
        The dialect is found from the content; the name does not matter.
    class_of : function, optional
        Gives the class of each region in place of the file's own, for example
        ``lambda region: region.name`` where people wrote the class as a name.

    Raises
    ------
    AnnotationError
        When the file cannot be read, is of no known dialect or is damaged; every fault of
        its drawings is named, and nothing is returned in part.
    """
    source = Path(path)
    data = _bytes(source)
    if data[128:132] == b"DICM":
        contents = _parse_dicom(source, data)
    else:
        contents = _parse(source, _text(source, data))
    built = build(contents.drawings)
    if faults := [*contents.faults, *built.faults]:
        _refuse_all(source, faults)
    polygons = built.polygons
    if class_of is not None:
        polygons = tuple(replace(region, class_name=class_of(region)) for region in polygons)
    return Annotations(polygons, source, contents.dialect, built.repairs, dict(contents.ignored))


def _bytes(source: Path) -> bytes:
    try:
        return source.read_bytes()
    except OSError as error:
        _refuse(source, f"it cannot be read: {error.strerror or error}. Check the path.", error)


def _parse_dicom(source: Path, data: bytes) -> Contents:
    try:
        contents = parse_dicom(data)
    except ValueError as error:
        _refuse(source, f"its DICOM is damaged or cut short: {error}. Copy it again.", error)
    if contents is None:
        _refuse(source, "it is a DICOM file without microscopy bulk simple annotations.")
    return contents


def _text(source: Path, data: bytes) -> str:
    """Return the text of a file without byte order mark and NULs."""
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        _refuse(source, f"it is not text in UTF-8 or UTF-16 ({error}). Export it again.", error)
    # UTF-16 without a mark, or a disk that lost the end of the file, leaves NULs.
    text = text.replace("\0", "").strip()
    if not text:
        _refuse(source, "it is empty. Copy or export it again.")
    return text


def _parse(source: Path, text: str) -> Contents:
    contents = _parse_xml(source, text) if text.startswith("<") else _parse_json(source, text)
    if contents is None:
        _refuse(source, f"its layout is not known. Export it as one of {KNOWN}.")
    return contents


def _parse_xml(source: Path, text: str) -> Contents | None:
    # An entity can stand for gigabytes or for another file; no dialect here declares any.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        _refuse(source, "it declares a DTD or entities, which is not safe to read. Remove them.")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        _refuse(
            source, f"its XML is damaged or cut short: {error}. Copy or export it again.", error
        )
    parser = XML_DIALECTS.get(root.tag)
    return parser(root) if parser else None


def _parse_json(source: Path, text: str) -> Contents | None:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        if text[0] not in "[{":
            return None
        _refuse(source, f"its JSON is damaged or cut short: {error}. Export it again.", error)
    except (RecursionError, ValueError) as error:
        _refuse(source, f"its JSON is nested too deep or holds a number too long: {error}.", error)
    return parse_json(data)


def _refuse(source: Path, reason: str, cause: Exception | None = None) -> NoReturn:
    msg = f"Annotations were asked for from {source}, and {reason}"
    raise AnnotationError(msg) from cause


def _refuse_all(source: Path, faults: list[str]) -> NoReturn:
    count = "1 drawing" if len(faults) == 1 else f"{len(faults)} drawings"
    shown = "".join(f"\n  {fault}" for fault in faults[:FAULTS_SHOWN])
    rest = len(faults) - FAULTS_SHOWN
    more = f"\n  and {rest} more." if rest > 0 else ""
    _refuse(
        source,
        f"{count} cannot be used. Correct or delete them where they were drawn:{shown}{more}",
    )
