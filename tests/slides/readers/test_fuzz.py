"""Headers with random bytes: one of our errors or a slide, and never the end of the process."""

import itertools
import random
import subprocess
import sys
from pathlib import Path

import pytest
import tifffile

from msfusion_sdk.config import EncoderConfig
from msfusion_sdk.errors import SlideError
from msfusion_sdk.slides import open_slide
from msfusion_sdk.slides.tissue.patch_reading import read_patch
from msfusion_sdk.slides.tissue.survey import survey_slide
from msfusion_sdk.testing import make_slide

MUTANTS = 150


def header_places(path: Path, length: int) -> list[int]:
    """List the bytes of a TIFF that belong to no stored tile."""
    with tifffile.TiffFile(path) as tiff:
        spans = [
            (offset, offset + count)
            for page in tiff.pages
            for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)
        ]
    edges = [(0, 0), *sorted(spans), (length, length)]
    pairs = itertools.pairwise(edges)
    return [place for (_, stop), (start, _) in pairs for place in range(stop, start)]


def read_mutants(folder: Path) -> None:
    """Open and read mutants of a small slide; anything but a ``SlideError`` escapes."""
    path = make_slide(folder / "s.svs", 1280, 1280)
    sound = path.read_bytes()
    places = header_places(path, len(sound))
    refused = 0
    for seed in range(MUTANTS):
        rng, mutant = random.Random(seed), bytearray(sound)
        for place in rng.choices(places, k=rng.randint(1, 4)):
            mutant[place] = rng.randrange(256)
        path.write_bytes(mutant)
        print(seed, flush=True)
        try:
            with open_slide(path) as slide:
                survey = survey_slide(slide, EncoderConfig())
                for x, y in survey.grid.locations[:1].tolist():
                    read_patch(slide, (x, y), survey.plan)
        except SlideError:
            refused += 1
    assert 0.1 * MUTANTS < refused < 0.9 * MUTANTS


@pytest.mark.process
def test_random_header_bytes_never_end_the_process(tmp_path: Path) -> None:
    # In a process of its own: OpenSlide aborts when it cannot allocate.
    done = subprocess.run(
        [sys.executable, __file__, tmp_path], capture_output=True, text=True, check=False
    )
    last = done.stdout.strip().rpartition("\n")[2]
    assert done.returncode == 0, f"seed {last}: {done.stderr[-2000:]}"
    assert done.stderr == "", "a library does not print"


if __name__ == "__main__":
    read_mutants(Path(sys.argv[1]))
