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


def ome_spacing(xml: str | None, image: int = 0) -> Spacing:
    """Return µm per pixel in x and y of one image; None where it is not stated.

    Parameters
    ----------
    image : int
        Its place in the file.

    Source: OME model 2016-06, Pixels: PhysicalSizeX has the unit µm when none is given.
    """
    pixels = _find(xml, "Pixels")
    if image >= len(pixels):
        return (None, None)
    found = [
        _length(
            pixels[image].get(f"PhysicalSize{axis}"), pixels[image].get(f"PhysicalSize{axis}Unit")
        )
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


def _find(xml: str | None, name: str) -> list[ElementTree.Element]:
    try:
        # Text is no longer in the encoding that it declares, and what is parsed as text has none.
        root = ElementTree.fromstring(_DECLARATION.sub("", xml or ""))
    except ElementTree.ParseError:
        return []
    # Without its namespace, which holds the year of the schema.
    return [item for item in root.iter() if item.tag.rpartition("}")[2] == name]
