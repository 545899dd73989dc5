"""Files of others, mutated: slides, tables, HDF5, weights, settings and outlines.

Each is read in a forked copy of this process with limits on time and memory.  What may happen
there: it is read, it is refused by an error of ours, or, for native readers alone, the copy ends.
"""

import json
import os
import random
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tifffile
from injection import Ended, run_forked
from world import World, clinical

from msfusion_sdk import FusionSurvival, SlideEncoder
from msfusion_sdk.slides.annotations.reading import read_annotations
from msfusion_sdk.slides.opening import open_slide
from msfusion_sdk.slides.tissue.survey import survey_slide
from msfusion_sdk.storage.h5_arrays import read_arrays
from msfusion_sdk.storage.records import sealed
from msfusion_sdk.tables.arrow import read_table
from msfusion_sdk.testing import make_slide

DEADLINE_S = 60
MEMORY_BYTES = 4 * 2**30
HEADER_BYTES = 4096


@dataclass(frozen=True)
class Family:
    """Mutants of one kind of file."""

    name: str
    count: int
    few: int
    mutants: Callable[[World, Path, random.Random, int], Iterator[Path]]
    read: Callable[[World, Path], object]
    may_die: bool = False
    """Whether the product reads them in a process of their own."""


def run_mutations(world: World, folder: Path, *, is_long: bool) -> bool:
    """Print a line for each family; return whether all went well."""
    folder.mkdir()
    good = True
    for family in FAMILIES:
        count = family.count if is_long else family.few
        counts, slowest = Counter[str](), 0.0
        for path in family.mutants(world, folder, random.Random(0), count):
            start = time.monotonic()
            ended = run_forked(partial(_limited, family, world, path), folder)
            slowest = max(slowest, time.monotonic() - start)
            how = _how(ended)
            counts[how] += 1
            is_bad = how in ("foreign", "hang") or (how == "died" and not family.may_die)
            good &= not is_bad
            if is_bad:
                print(f"  {family.name} {path.name}: {how}: {ended.text[-600:]}", flush=True)
        print(f"{family.name:12} {count:5} mutants  {dict(counts)}, slowest {slowest:.1f} s")
    return good


def _limited(family: Family, world: World, path: Path) -> None:
    size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE")
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY_BYTES, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(DEADLINE_S)
    family.read(world, path)


def _how(ended: Ended) -> str:
    if ended.how in ("ok", "own"):
        return {"ok": "read", "own": "refused"}[ended.how]
    if ended.text == f"exit code {-signal.SIGALRM}":
        return "hang"
    return "died" if ended.how == "killed" or ended.text.startswith("exit code -") else "foreign"


def _mutated(data: bytes, rng: random.Random, *, head: int | None = None) -> bytes:
    """Return data with up to eight bytes changed, a block lost, or its end cut off."""
    mutant, kind = bytearray(data), rng.random()
    if kind < 0.1:
        return bytes(mutant[: rng.randrange(len(data))])
    if kind < 0.2:
        start = rng.randrange(len(data))
        mutant[start : start + 4096] = bytes(len(mutant[start : start + 4096]))
        return bytes(mutant)
    for _ in range(rng.randint(1, 8)):
        mutant[rng.randrange(min(len(data), head or len(data)))] = rng.randrange(256)
    return bytes(mutant)


def _slides(world: World, folder: Path, rng: random.Random, count: int) -> Iterator[Path]:
    source = world.folder / "levels.svs"
    make_slide(source, 1024, 768, tissue="full", downsamples=(1, 4))
    data, headers = source.read_bytes(), _headers(source)
    for number in range(count):
        path = folder / f"slide{number}.svs"
        mutant = bytearray(data)
        if rng.random() < 0.7:
            for _ in range(rng.randint(1, 4)):
                mutant[rng.choice(headers)] = rng.randrange(256)
        else:
            mutant = bytearray(_mutated(data, rng))
        path.write_bytes(mutant)
        yield path
        path.unlink()


def _headers(path: Path) -> list[int]:
    """Return where the directories of a TIFF lie, and what their entries lead to."""
    places = [*range(16)]
    with tifffile.TiffFile(path) as file:
        for page in file.pages:
            assert isinstance(page, tifffile.TiffPage)
            places += range(page.offset, page.offset + 8 + 20 * len(page.tags))
            for tag in page.tags:
                places += range(tag.valueoffset, tag.valueoffset + min(64, tag.valuebytecount))
    return places


def _read_slide(world: World, path: Path) -> None:
    with open_slide(path, mpp=0.25) as slide:
        survey_slide(slide, world.encoder.config)
        slide.read((0, 0), 0, (256, 256))


def _tables(world: World, folder: Path, rng: random.Random, count: int) -> Iterator[Path]:
    clinical().to_csv(folder / "t.csv", index=False)
    clinical().to_parquet(folder / "t.parquet")
    originals = [(folder / f"t.{kind}").read_bytes() for kind in ("csv", "parquet")]
    for number in range(count):
        which = number % 2
        path = folder / f"m{number}{('.csv', '.parquet')[which]}"
        path.write_bytes(_mutated(originals[which], rng))
        yield path
        path.unlink()


def _read_table(_: World, path: Path) -> None:
    read_table(path, id_columns=("patient_id",))


def _h5(world: World, folder: Path, rng: random.Random, count: int) -> Iterator[Path]:
    with h5py.File(folder / "o.h5", "w") as file:
        file.create_dataset("features", data=np.ones((64, 32), "f4"), compression="gzip")
        file["coords"] = np.zeros((64, 2), np.int64)
    data = (folder / "o.h5").read_bytes()
    for number in range(count):
        path = folder / f"m{number}.h5"
        path.write_bytes(_mutated(data, rng))
        yield path
        path.unlink()


def _read_h5(_: World, path: Path) -> None:
    read_arrays(path, ("features", "coords"))


def _models(world: World, folder: Path, rng: random.Random, count: int) -> Iterator[Path]:
    """Yield model folders with other settings, or weights, under a true seal."""
    sources = (world.folder / "encoder", world.model)
    for number in range(count):
        source, path = sources[number % 2], folder / f"m{number}"
        path.mkdir()
        weights = (source / "model.safetensors").read_bytes()
        config = json.loads((source / "config.json").read_text())
        del config["sha256"]
        if rng.random() < 0.5:
            weights = _mutated(weights, rng, head=HEADER_BYTES)
            import hashlib

            config["weights_sha256"] = hashlib.sha256(weights).hexdigest()
        else:
            _change_a_value(config, rng)
        (path / "model.safetensors").write_bytes(weights)
        (path / "config.json").write_text(sealed(config))
        yield path


ODD: tuple[Any, ...] = (
    None,
    -1,
    0,
    1e308,
    -(2**62),
    2**62,
    "",
    "x",
    [],
    {},
    True,
    [1] * 1000,
    float("nan"),
)


def _change_a_value(config: dict[str, Any], rng: random.Random) -> None:
    """Put something odd in the place of a value somewhere in a tree."""
    places = list(_places(config))
    holder, key = rng.choice(places)
    holder[key] = rng.choice(ODD)


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        yield node, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _read_model(world: World, path: Path) -> None:
    tables = {"clinical": clinical().set_index("patient_id")}
    if (json.loads((path / "config.json").read_text())).get("kind") == "encoder":
        encoder = SlideEncoder.from_pretrained(path, device="cpu", precision="fp32")
        encoder.encode(world.folder / "a.svs", threads=0)
    else:
        FusionSurvival.load(path).predict_risk(tables)


def _outlines(world: World, folder: Path, rng: random.Random, count: int) -> Iterator[Path]:
    path = folder / "o.geojson"
    world.results["a"].to_geojson(path)
    data = path.read_bytes()[:20_000]
    xml = (
        b'<?xml version="1.0"?><ASAP_Annotations><Annotations><Annotation Name="A" Type="Polygon" '
        b'PartOfGroup="T" Color="#F4FA58"><Coordinates>'
        + b"".join(
            b'<Coordinate Order="%d" X="%d" Y="%d"/>' % (n, (n * 7919) % 500, (n * 104729) % 500)
            for n in range(40)
        )
        + b"</Coordinates></Annotation></Annotations></ASAP_Annotations>"
    )
    for number in range(count):
        which = number % 2
        mutant = folder / f"m{number}{('.geojson', '.xml')[which]}"
        mutant.write_bytes(_mutated((data, xml)[which], rng))
        yield mutant
        mutant.unlink()


def _read_outlines(_: World, path: Path) -> None:
    read_annotations(path)


FAMILIES = (
    Family("slides", 3000, 30, _slides, _read_slide, may_die=True),
    Family("tables", 500, 20, _tables, _read_table),
    Family("HDF5", 300, 20, _h5, _read_h5, may_die=True),
    Family("models", 200, 4, _models, _read_model),
    Family("outlines", 200, 20, _outlines, _read_outlines),
)
