"""Try every file of a folder of slides and print how each ends.

    python benchmarks/real_slides.py FOLDER [--mpp-if-missing 0.25] [--max-upsample 4]

Sub-folders that hold DICOM instances count as one slide.  A slide without microns per
pixel is tried again with ``--mpp-if-missing``, and both answers are shown.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

from msfusion_sdk import SlideEncoder
from msfusion_sdk.errors import SlideError, SlideResolutionError

SUFFIXES = {
    ".svs",
    ".tif",
    ".tiff",
    ".ndpi",
    ".mrxs",
    ".scn",
    ".bif",
    ".dcm",
    ".png",
    ".jpg",
    ".jpeg",
}


def slides(folder: Path) -> Iterator[Path]:
    """Yield slide files, and folders that hold DICOM instances, in order."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if any(path.glob("*.dcm")):
                yield path
            else:
                yield from slides(path)
        elif path.suffix.lower() in SUFFIXES:
            yield path


def attempt(encoder: SlideEncoder, path: Path, mpp: float | None) -> tuple[str, str, bool]:
    """Return the ending, its reason, and whether only the spacing was missing."""
    try:
        result = encoder.encode(path, mpp=mpp)
    except SlideError as error:
        missing = isinstance(error, SlideResolutionError) and "no microns per pixel" in str(error)
        return error.code, str(error).replace(str(path), path.name), missing
    return f"{result.status}, {result.patches.num_rows} patches", result.reason, False


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mpp-if-missing", type=float, default=0.25)
    parser.add_argument("--max-upsample", type=float, default=2.2)
    parser.add_argument("--preset", default="resection")
    args = parser.parse_args()
    encoder = SlideEncoder.from_pretrained()
    config = encoder.config.with_preset(args.preset)
    encoder = encoder.with_config(config.updated(patches={"max_upsample": args.max_upsample}))
    print("| file | mpp | seconds | ending | reason |\n|---|---|---|---|---|")
    for path in slides(args.folder):
        for mpp in (None, args.mpp_if_missing):
            start = time.perf_counter()
            ending, reason, missing = attempt(encoder, path, mpp)
            seconds = time.perf_counter() - start
            name = path.relative_to(args.folder)
            print(
                f"| {name} | {mpp or 'header'} | {seconds:.1f} | {ending} | {reason} |", flush=True
            )
            if not missing:
                break


if __name__ == "__main__":
    main()
