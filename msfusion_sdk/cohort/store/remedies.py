"""What to do about a slide without a vector, in one sentence for each code and status."""

from msfusion_sdk.cohort.store.ledger import SlideStatus

__all__ = ["REMEDIES", "remedy_of"]

REMEDIES = {
    "SlideNotFound": "Bring the file back to its place, or say where it is: msfusion cohort "
    "relocate, or set for one slide.",
    "SlideAccess": "Give this user the right to read the file.",
    "SlideFormat": "Put the scanner's own file in its place; of MRXS and DICOM, the whole folder.",
    "SlideCorrupt": "Copy the slide again from the scanner or the archive.",
    "SlideChanged": "Wait until the copy is complete.",
    "SlideGeometry": "Copy the slide again; if that does not help, export it anew.",
    "SlideResolution": "Give the scanner's µm per pixel: msfusion cohort set with --mpp.",
    "SlidePixelType": "Use the 8-bit RGB brightfield scan of this slide.",
    "SlideTooLarge": "Convert the slide to a pyramidal format, such as DICOM or tiled TIFF.",
    "SlideTimeout": "Look whether disk and network are slow; give it longer with --timeout.",
    "ReaderCrashed": "Open the slide in another viewer; if that fails too, copy it again.",
    "NonFiniteVector": "Encode with --precision fp32.",
}
"""By the code of an error.  Encoding again, which all of them need, goes without saying."""

_EMPTY = (
    "Look at the slide. With pale stain, try --preset pale; with small pieces, --preset biopsy."
)
_OTHER = "The reason says what to do."


def remedy_of(status: SlideStatus) -> str:
    """Return what to do about a slide that has no vector."""
    return _EMPTY if status.status == "empty" else REMEDIES.get(status.code, _OTHER)
