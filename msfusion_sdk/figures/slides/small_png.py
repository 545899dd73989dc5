"""PNG files of 256 colours or fewer: a third of the size, and hardly a difference to the eye."""

from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from msfusion_sdk.figures.style import DPI
from msfusion_sdk.files import storing

__all__ = ["write_small_png"]

COLOURS = (256, 128, 64, 32, 16)
MOST_BYTES = 480_000
"""Tissue that is all texture takes fewer colours to stay below."""


def write_small_png(figure: Figure, path: str | Path) -> Path:
    """Write a figure with photographs in it, atomically, and return the path."""
    data = BytesIO()
    figure.savefig(data, dpi=DPI, format="png")
    with Image.open(data) as image:
        picture = image.convert("RGB")
    for colours in COLOURS:
        small = BytesIO()
        # Without dithering: its noise would be half of the file.
        picture.quantize(colours, dither=Image.Dither.NONE).save(small, "png", optimize=True)
        if small.tell() <= MOST_BYTES:
            break
    with storing(Path(path)) as temporary:
        temporary.write_bytes(small.getvalue())
    return Path(path)
