"""Which picture of a TIFF is shown, and how it is turned: stated, never guessed."""

from pathlib import Path

from msfusion_sdk.errors import SlideFormatError
from msfusion_sdk.slides.readers.levels import true_levels
from msfusion_sdk.slides.stored_tiles.tiff_facts import TiffFacts

__all__ = ["TURNED", "orientation_warnings", "picture_warnings", "require_first_is_largest"]

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
    return (*_several(path, facts), *orientation_warnings(facts.orientation))


def require_first_is_largest(path: Path, facts: TiffFacts) -> None:
    """Raise ``SlideFormatError`` when a later picture is larger, whatever flag it has."""
    width, height = facts.pictures[0]
    larger = [d for d in facts.directories[1:]
              if d.width * d.height > width * height and not d.is_mask]  # fmt: skip
    if larger:
        msg = (
            f"{path} holds {len(facts.directories)} pictures, and the first, of {width} x {height} "
            f"pixels, is smaller than one of {larger[0].width} x {larger[0].height}: it may be a "
            "thumbnail. Save the picture that is meant as a file of its own."
        )
        raise SlideFormatError(msg)


def orientation_warnings(orientation: int) -> tuple[str, ...]:
    """Return what to say of the value of an Orientation tag; nothing of the usual one."""
    if orientation not in TURNED:
        return ()
    how = TURNED[orientation]
    return (
        f"the file's Orientation tag is {orientation} ({how}): pixels and locations are as they "
        "are stored",
    )


def _several(path: Path, facts: TiffFacts) -> tuple[str, ...]:
    require_first_is_largest(path, facts)
    first, *others = facts.pictures
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
