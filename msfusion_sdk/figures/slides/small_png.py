"""PNG files of 256 colours or fewer: a third of the size, and hardly a difference to the eye."""

import warnings
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from msfusion_sdk.figures.style import DPI
from msfusion_sdk.files import store_bytes
from msfusion_sdk.files.replacing import holds, require_replaceable

__all__ = ["is_own_png", "require_replaceable_png", "write_small_png"]

COLOURS = (256, 128, 64, 32, 16)
MARK = "Software", "msfusion_sdk"
"""Text in each file, by which it is known for ours."""
MOST_BYTES = 480_000
"""Tissue that is all texture takes fewer colours to stay below."""


def write_small_png(
    figure: Figure, path: str | Path, *, keep: Sequence[tuple[int, int, int]] = ()
) -> Path:
    """Write a figure with photographs in it, atomically, and return the path.

    Parameters
    ----------
    keep : colours (R, G, B) that must stay as they are, such as those of a legend
    """
    picture, about = _drawn(figure), PngInfo()
    about.add_text(*MARK)
    for colours in COLOURS:
        small = BytesIO()
        _quantized(picture, colours, keep).save(small, "png", optimize=True, pnginfo=about)
        if small.tell() <= MOST_BYTES:
            break
    return store_bytes(Path(path), small.getvalue())


def is_own_png(path: Path) -> bool:
    """Return whether a file that is not empty is one that ``write_small_png`` wrote."""
    return holds(path, "\0".join(MARK).encode())


def require_replaceable_png(path: Path) -> None:
    """Raise where a file lies at ``path`` that ``write_small_png`` has not written.

    Raises
    ------
    StoreSchemaError
    """
    require_replaceable(path, "a picture", is_own_png)


def _drawn(figure: Figure) -> Image.Image:
    """Return the pixels that ``savefig`` would write, which draws once more to lay out."""
    before, dpi = figure.canvas, figure.dpi
    canvas = FigureCanvasAgg(figure)
    try:
        figure.set_dpi(DPI)
        with warnings.catch_warnings():
            # A title in a script that the font lacks shows boxes; the name is in the file's name.
            warnings.filterwarnings("ignore", "Glyph .* missing from font")
            canvas.draw()  # type: ignore[no-untyped-call]
        rgba = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        return Image.fromarray(rgba[..., :3].copy())
    finally:
        figure.set_dpi(dpi)
        figure.set_canvas(before)


def _quantized(
    picture: Image.Image, colours: int, keep: Sequence[tuple[int, int, int]]
) -> Image.Image:
    """Return a picture of so many colours, those to be kept among them."""
    # Half of the palette at least is left for the photograph.
    kept = list(dict.fromkeys(keep))[: colours // 2]
    # Without dithering: its noise would be half of the file.
    small = picture.quantize(colours - len(kept), dither=Image.Dither.NONE)
    if not kept:
        return small
    palette = (small.getpalette() or [])[: 3 * (colours - len(kept))]
    first = len(palette) // 3
    numbers, pixels = np.array(small), np.asarray(picture)
    for number, colour in enumerate(kept, first):
        numbers[(pixels == colour).all(-1)] = number
        palette += colour
    out = Image.fromarray(numbers)
    out.putpalette(palette)
    return out
