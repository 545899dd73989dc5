"""Spacing and objective in the OME-XML of a slide."""

import re
from xml.etree import ElementTree

__all__ = ["ome_magnification", "ome_spacing"]

# The micro sign (U+00B5) and the Greek letter (U+03BC) look alike, and both are used.
MICRONS = {
    "µm": 1.0, "μm": 1.0, "um": 1.0, "micron": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6,
    "pm": 1e-6, "Å": 1e-4, "in": 25_400.0, "pt": 25_400 / 72,
}  # fmt: skip
"""µm in a unit of length; with "pixel" and "reference frame" no length is stated."""

_DECLARATION = re.compile(r"^\ufeff?\s*<\?xml\b[^>]*\?>")

Spacing = tuple[float | None, float | None]


def ome_spacing(xml: str | None) -> Spacing:
    """Return µm per pixel in x and y of the picture in the file's first directory.

    None where it is not stated.

    Source: OME model 2016-06, Pixels: PhysicalSizeX has the unit µm when none is given;
    TiffData: IFD is the directory, 0 when none is given, of the file that its UUID names.
    """
    pixels = _find(xml, "Pixels")
    if not pixels:
        return (None, None)
    uuid = _root(xml).get("UUID")
    # The order of the images is not that of the directories.
    first = next((item for item in pixels if _is_first(item, uuid)), pixels[0])
    found = [
        _length(first.get(f"PhysicalSize{axis}"), first.get(f"PhysicalSize{axis}Unit"))
        for axis in "XY"
    ]
    return (found[0], found[1])


def ome_magnification(xml: str | None) -> float | None:
    """Return the nominal magnification of the objective; None unless it is the only one."""
    values = {item.get("NominalMagnification") for item in _find(xml, "Objective")} - {None}
    try:
        return float(str(values.pop())) if len(values) == 1 else None
    except ValueError:
        return None


def _length(value: str | None, unit: str | None) -> float | None:
    factor = MICRONS.get(unit or "µm")
    try:
        length = float(value or "") * factor if factor else None
    except ValueError:
        return None
    return length if length and length > 0 else None


def _is_first(pixels: ElementTree.Element, uuid: str | None) -> bool:
    """Return whether pixels are those of the first directory of the file with this UUID."""
    for data in _below(pixels, "TiffData"):
        names = [(item.text or "").strip() for item in _below(data, "UUID")]
        if data.get("IFD", "0").strip() == "0" and (not names or uuid is None or uuid in names):
            return True
    return False


def _root(xml: str | None) -> ElementTree.Element:
    try:
        # Text is no longer in the encoding that it declares, and what is parsed as text has none.
        return ElementTree.fromstring(_DECLARATION.sub("", xml or ""))
    except ElementTree.ParseError:
        return ElementTree.Element("none")


def _find(xml: str | None, name: str) -> list[ElementTree.Element]:
    return _below(_root(xml), name)


def _below(element: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    # Without its namespace, which holds the year of the schema.
    return [item for item in element.iter() if item.tag.rpartition("}")[2] == name]
