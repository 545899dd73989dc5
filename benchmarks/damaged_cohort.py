"""Damaged files of every kind in one cohort beside good slides: nothing good may be lost.

    python benchmarks/damaged_cohort.py [FOLDER OF A DICOM SERIES] [--mutants 3000]

Bytes of SVS, TIFF, PNG, JPEG and DICOM files are changed, zeroed or cut off; all are slides of one
cohort that is encoded with a deadline.  Outlines in XML and GeoJSON are mutated and read as well.
Ends with 1 unless every good slide has the vector that it has alone, and every file that failed has
a code of the SDK.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import tifffile

from msfusion_sdk import Cohort, SlideEncoder
from msfusion_sdk.cohort.store.ledger import SlideStatus
from msfusion_sdk.config import EncoderConfig, PatchConfig, TissueConfig
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.encoder.weights.encoder_folder import write_model_folder
from msfusion_sdk.errors import MsfusionError
from msfusion_sdk.slides.annotations import read_annotations
from msfusion_sdk.testing import make_slide
from msfusion_sdk.testing.tissue import he_texture

GOOD, DEADLINE_S = 12, 60.0
XML = (
    '<?xml version="1.0"?><ASAP_Annotations><Annotations><Annotation Name="A" Type="Polygon" '
    'PartOfGroup="T" Color="#F4FA58"><Coordinates><Coordinate Order="0" X="1" Y="1"/>'
    '<Coordinate Order="1" X="90" Y="5"/><Coordinate Order="2" X="50" Y="80"/></Coordinates>'
    "</Annotation></Annotations></ASAP_Annotations>"
)
GEOJSON = (
    '{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": {"type": '
    '"Polygon", "coordinates": [[[1, 1], [90, 5], [50, 80], [1, 1]]]}, "properties": '
    '{"classification": {"name": "Tumor", "color": [200, 0, 0]}}}]}'
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("dicom", nargs="?", type=Path)
    parser.add_argument("--mutants", type=int, default=3000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        rng, outlines = random.Random(0), asked.mutants // 5
        good = read_outlines(Path(name), rng, outlines)
        good &= encode_all(Path(name), asked.dicom, rng, asked.mutants - outlines)
    sys.exit(0 if good else 1)


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Return data with a few bytes changed, a block lost, or the end cut off."""
    mutant, kind = bytearray(data), rng.random()
    if kind < 0.15:
        return bytes(mutant[: rng.randrange(len(data))])
    if kind < 0.3:
        start = rng.randrange(len(data))
        mutant[start : start + 4096] = bytes(len(mutant[start : start + 4096]))
        return bytes(mutant)
    reach = len(data) if rng.random() < 0.4 else min(len(data), 2048)
    for _ in range(rng.randint(1, 8)):
        mutant[rng.randrange(reach)] = rng.randrange(256)
    return bytes(mutant)


def read_outlines(folder: Path, rng: random.Random, count: int) -> bool:
    ends: Counter[str] = Counter()
    slowest = 0.0
    for number in range(count):
        name, text = (("o.xml", XML), ("o.geojson", GEOJSON))[number % 2]
        (folder / name).write_bytes(mutated(text.encode(), rng))
        start = time.monotonic()
        try:
            read_annotations(folder / name)
        except MsfusionError as error:
            ends[error.code] += 1
        except Exception as error:  # what is looked for
            ends[f"NOT OURS: {type(error).__name__}"] += 1
        else:
            ends["read"] += 1
        slowest = max(slowest, time.monotonic() - start)
    print(f"{count} outlines: {dict(ends.most_common())}; the slowest {slowest:.2f} s")
    return not any("NOT OURS" in end for end in ends)


def originals(folder: Path) -> list[Path]:
    """Write one small good file of each kind."""
    image = np.ascontiguousarray(he_texture(0)[:256, :320])
    paths = [make_slide(folder / "a.svs", 320, 256, tissue="full", downsamples=(1, 2))]
    for coding in ("jpeg", "deflate", "lzw"):
        paths.append(folder / f"{coding}.tif")
        tifffile.imwrite(
            paths[-1], image, tile=(128, 128), photometric="rgb", compression=coding, metadata=None
        )
    for suffix in (".png", ".jpg"):
        paths.append(folder / f"plain{suffix}")
        cv2.imwrite(str(paths[-1]), image[..., ::-1])
    return paths


def write_mutants(
    folder: Path, sources: list[Path], dicom: Path | None, rng: random.Random, count: int
) -> list[Path]:
    series = sorted(dicom.glob("*.dcm")) if dicom else []
    paths = []
    for number in range(count):
        if series and number % 7 == 6:
            path = folder / f"series{number}"
            path.mkdir()
            for file in series:
                shutil.copyfile(file, path / file.name)
            target = path / rng.choice(series).name
            target.write_bytes(mutated(target.read_bytes(), rng))
        else:
            source = sources[number % len(sources)]
            path = folder / f"m{number}{source.suffix}"
            path.write_bytes(mutated(source.read_bytes(), rng))
        paths.append(path)
    return paths


def encode_all(folder: Path, dicom: Path | None, rng: random.Random, count: int) -> bool:
    """Encode good and mutated slides in one cohort; say how all ended."""
    patches = PatchConfig(patch_size_px=64, stride_px=512)
    config = EncoderConfig(name="small", patches=patches, tissue=TissueConfig(min_tissue_um2=0))
    write_model_folder(folder / "model", TwoScaleModel(config), config, "# Random weights\n")
    encoder = SlideEncoder.from_pretrained(folder / "model", device="cpu", precision="fp32")
    (folder / "slides").mkdir()
    sound = [
        make_slide(folder / "slides" / f"good{n}.svs", 320, 256, tissue="full", seed=n)
        for n in range(GOOD)
    ]
    expected = {path.stem: np.asarray(encoder.encode(path, mpp=0.25)) for path in sound}
    bad = write_mutants(folder / "slides", originals(folder), dicom, rng, count)
    paths = [*sound, *bad]
    rng.shuffle(paths)
    table = pd.DataFrame(
        {"slide_id": [path.stem for path in paths], "patient_id": [path.stem for path in paths]}
    ).assign(path=[str(path) for path in paths], mpp=0.25)
    cohort = Cohort.create(folder / "cohort", slides=table, patients=table[["patient_id"]])
    start = time.monotonic()
    run = cohort.encode(encoder, workers=1, timeout_s=DEADLINE_S, max_failures=1.0)
    seconds = time.monotonic() - start
    return judge(cohort, run.statuses, expected, seconds, len(paths))


def judge(
    cohort: Cohort,
    statuses: Iterable[SlideStatus],
    expected: dict[str, np.ndarray],
    seconds: float,
    asked: int,
) -> bool:
    """Print how the slides ended; return whether nothing good was lost and all codes are ours."""
    ends = Counter(status.code or status.status for status in statuses)
    ours = {kind.__name__.removesuffix("Error") for kind in kinds_of(MsfusionError)}
    vectors = cohort.tables()["slide"]
    lost = [
        name
        for name, vector in expected.items()
        if name not in vectors.index
        or not np.allclose(vectors.loc[name].to_numpy(), vector, atol=1e-5)
    ]
    foreign = [s.slide_id for s in statuses if not s.is_done and s.code not in ours]
    print(f"{asked} slides in {seconds:.0f} s: {dict(ends.most_common())}")
    print(f"good slides lost: {lost}; codes that are not ours: {foreign}")
    return not lost and not foreign and sum(ends.values()) == asked


def kinds_of(kind: type[MsfusionError]) -> set[type[MsfusionError]]:
    """Return a class of errors with all below it."""
    return {kind}.union(*map(kinds_of, kind.__subclasses__()))


if __name__ == "__main__":
    main()
