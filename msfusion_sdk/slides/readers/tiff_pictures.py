"""Which picture of a TIFF is shown, and how it is turned: stated, never guessed."""

from pathlib import Path

from msfusion_sdk.errors import SlideFormatError
from msfusion_sdk.slides.readers.levels import true_levels
from msfusion_sdk.slides.stored_tiles.tiff_facts import TiffFacts

__all__ = ["TURNED", "picture_warnings"]

# TIFF 6.0, tag 274: the side on which the first row and the first column lie.
TURNED = {
    2: "mirrored",
    3: "turned by 180°",
    4: "upside down",
    5: "mirrored and turned",
    6: "turned by 90°",
    7: "mirrored and turned",
    8: "turned by 270°",
}
"""The values of the Orientation tag but 1, which is as stored."""


def picture_warnings(path: Path, facts: TiffFacts) -> tuple[str, ...]:
    """Return what a user should know of the picture that readers take: the first.

    Raises
    ------
    SlideFormatError
        When a later picture is larger: the first may be a thumbnail.
    """
    return (*_several(path, facts), *_turned(facts.orientation))


def _several(path: Path, facts: TiffFacts) -> tuple[str, ...]:
    first, *others = facts.pictures
    larger = [size for size in others if size[0] * size[1] > first[0] * first[1]]
    if larger:
        msg = (
            f"{path} holds {1 + len(others)} pictures, and the first, of {first[0]} x {first[1]} "
            f"pixels, is smaller than one of {larger[0][0]} x {larger[0][1]}: it may be a "
            "thumbnail. Save the picture that is meant as a file of its own."
        )
        raise SlideFormatError(msg)
    # A smaller copy of the first is a level that was not flagged as one.
    others = [size for size in others if len(true_levels((first, size))) == 1]
    if not others:
        return ()
    same = sum(size == first for size in others)
    kind = ", several of one size (focal planes, or points in time)" if same else ""
    return (
        f"the file holds {1 + len(others)} pictures{kind}, and the first, of {first[0]} x "
        f"{first[1]} pixels, is read",
    )


def _turned(orientation: int) -> tuple[str, ...]:
    if orientation not in TURNED:
        return ()
    how = TURNED[orientation]
    return (
        f"the file's Orientation tag is {orientation} ({how}): pixels and locations are as they "
        "are stored",
    )
