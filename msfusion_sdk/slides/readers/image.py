"""Plain images (PNG, JPEG, TIFF) as slides of one level, with the spacing given by the caller."""

import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from msfusion_sdk.errors import (
    SlideCorruptError,
    SlideError,
    SlidePixelTypeError,
    SlideTooLargeError,
)
from msfusion_sdk.slides.readers.file_kind import FileKind, FileStamp, Source, classify
from msfusion_sdk.slides.readers.reader import WHITE, Region, Slide, SlideHeader, composite
from msfusion_sdk.slides.readers.tiff_pictures import TURNED
from msfusion_sdk.slides.stored_tiles.damage import DAMAGE

__all__ = ["MAX_IMAGE_PX", "ImageReader"]

# Decoded as a whole, this many take 400 MB as RGBA.
MAX_IMAGE_PX = 100_000_000
# Offset in the file: 8 bytes of signature, 8 that begin IHDR, 8 of width and height.
PNG_BIT_DEPTH = 24
ORIENTATION = 274


class ImageReader(Slide):
    """Hold a decoded image of at most 100 megapixels and serve regions of it."""

    def __init__(self, source: Source, mpp: float) -> None:
        self.path, self.stamp, self.mpp_argument = source.path, source.stamp, mpp
        self._pixels, self._transparent, warnings = _decode(source)
        height, width = self._pixels.shape[:2]
        self.header = SlideHeader(
            reader="pillow",
            vendor=f"plain {source.kind.value}",
            level_dimensions=((width, height),),
            level_downsamples=(1.0,),
            header_mpp=(None, None),
            magnification=None,
            warnings=warnings,
        )

    def read(self, location: tuple[int, int], level: int, size: tuple[int, int]) -> Region:
        """See ``Slide.read``."""
        self._require_inside(location, level, size)
        (x, y), (width, height) = location, size
        found = self._pixels[y : y + height, x : x + width]
        out = np.full((height, width, 3), WHITE, np.uint8)
        out[: found.shape[0], : found.shape[1]] = found
        holes = self._transparent[y : y + height, x : x + width]
        outside = width * height - found.shape[0] * found.shape[1]
        return Region(out, int(holes.sum()) + outside)

    def reopen(self) -> "ImageReader":
        """Return this reader: decoded pixels are only read, so they can be shared."""
        return self

    def close(self) -> None:
        """Do nothing: the file was closed after decoding."""

    def __reduce__(self) -> tuple[object, ...]:
        return (_same_file, (str(self.path), self.mpp_argument, self.stamp))


def _same_file(path: str, mpp: float, stamp: FileStamp) -> ImageReader:
    """Decode a file that must still be the one that has this stamp."""
    source = classify(path)
    stamp.check(source.path)
    return ImageReader(source, mpp)


def _decode(source: Source) -> tuple[NDArray[np.uint8], NDArray[np.bool_], tuple[str, ...]]:
    """Return RGB pixels as they are to be shown, where they are transparent, and warnings."""
    path = source.path
    try:
        with warnings.catch_warnings():
            # Our own limit below is stricter than the one Pillow warns of.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(path)
        with image:
            _check(source, image)
            # Pillow turns a TIFF when it is loaded, and forgets the tag.
            orientation = int(image.getexif().get(ORIENTATION, 1))
            frames = int(getattr(image, "n_frames", 1))
            rgba = np.asarray(ImageOps.exif_transpose(image).convert("RGBA"))
    except Image.DecompressionBombError as error:
        # Pillow's limit, twice 89,478,485 pixels, ends ``Image.open`` before a size is known.
        raise _too_large(source, "over 179 megapixels") from error
    except SlideError:
        raise
    # SyntaxError is what Pillow's own decoders raise for a broken file, KeyError for a tag's value.
    except (UnidentifiedImageError, OSError, SyntaxError, *DAMAGE) as error:
        msg = f"{path} cannot be decoded as an image: {error}. Copy it again."
        raise SlideCorruptError(msg) from error
    pixels, _ = composite(rgba, WHITE)
    return pixels, rgba[..., 3] == 0, _warnings(orientation, frames)


def _warnings(orientation: int, frames: int) -> tuple[str, ...]:
    warnings = []
    if frames > 1:
        warnings.append(f"the file holds {frames} pictures, and the first is read")
    if orientation in TURNED:
        how = TURNED[orientation]
        warnings.append(f"the Orientation tag is {orientation} ({how}), and the picture was turned")
    return tuple(warnings)


def _check(source: Source, image: Image.Image) -> None:
    """Raise unless an image, not yet decoded, is small enough and of 8-bit RGB."""
    if image.width * image.height > MAX_IMAGE_PX:
        raise _too_large(source, f"{image.width} x {image.height} pixels")
    found = image.mode
    if source.kind is FileKind.PNG:
        # Pillow shows 16 bits as 8 and does not tell; the header does.
        with source.path.open("rb") as file:
            bits = file.read(PNG_BIT_DEPTH + 1)[PNG_BIT_DEPTH]
        found = f"{bits}-bit {found}" if bits != 8 else found
    if found not in ("RGB", "RGBA"):
        msg = f"{source.path} holds pixels of mode {found}. Convert the image to 8-bit RGB."
        raise SlidePixelTypeError(msg)


def _too_large(source: Source, found: str) -> SlideTooLargeError:
    return SlideTooLargeError(
        f"{source.path} is a plain image of {found}; at most {MAX_IMAGE_PX // 10**6} megapixels "
        "are decoded at once. Convert it to a tiled pyramidal TIFF."
    )
