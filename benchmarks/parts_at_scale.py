"""Seconds of single parts at the size of a large study, each beside a plain way to its numbers.

    python benchmarks/parts_at_scale.py [--rounds 5] [--json OUT]

The two ways take turns, so that what else the machine does disturbs both: read the ratios.  That
they agree is asserted before anything is timed.  Needs msfusion-sdk[test].
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import lifelines.utils
import numpy as np
import shapely
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from shapely import MultiPolygon, Point, box

from msfusion_sdk.slides.annotations import overlap
from msfusion_sdk.survival.cox.cox import fit_cox
from msfusion_sdk.survival.metrics.concordance import concordance_index

Numbers = NDArray[np.float64]


class Part(NamedTuple):
    """Two ways to the same numbers."""

    name: str
    plain_name: str
    ours: Callable[[], Numbers]
    plain: Callable[[], Numbers]


def concordance(patients: int = 10_000) -> Part:
    rng = np.random.default_rng(0)
    risk = rng.normal(size=patients)
    time, event = rng.exponential(np.exp(-risk)), np.ones(patients, bool)

    def ours() -> Numbers:
        return np.array([concordance_index(time=time, event=event, risk=risk)])

    def plain() -> Numbers:
        return np.array([lifelines.utils.concordance_index(time, -risk, event)])

    return Part(f"concordance of {patients:,} patients", "lifelines", ours, plain)


def cox(patients: int = 500, features: int = 5000) -> Part:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(patients, features))
    time, event = rng.exponential(np.exp(-values[:, 0])), rng.random(patients) < 0.7
    centred = values - values.mean(0)

    def ours() -> Numbers:
        fit = fit_cox(values, time=time, event=event, penalty=1.0)
        return np.asarray(fit.predict_log_hazard(values))

    def plain() -> Numbers:
        # A ridge solution lies in the span of the patients.
        left, size, _ = np.linalg.svd(centred, full_matrices=False)
        fit = fit_cox(left * size, time=time, event=event, penalty=1.0)
        return np.asarray(fit.predict_log_hazard(left * size))

    name = f"Cox regression of {features:,} columns, {patients} patients"
    return Part(name, "singular vectors first", ours, plain)


def outlines(patches: int = 1000, discs: int = 300) -> Part:
    rng = np.random.default_rng(0)
    drawn = MultiPolygon(
        [Point(x, y).buffer(900, quad_segs=100) for x, y in rng.uniform(0, 1e5, (discs, 2))]
    ).buffer(0)
    corners, edge = rng.uniform(0, 1e5, (patches, 2)), 1152

    def plain() -> Numbers:
        squares = [box(x, y, x + edge, y + edge) for x, y in corners]
        return np.asarray(shapely.area(shapely.intersection(drawn, squares))) / edge**2

    name = f"{patches:,} patches under {discs} outlines"
    return Part(name, "cut each patch", lambda: np.asarray(overlap(drawn, corners, edge)), plain)


def seconds(work: Callable[[], Numbers]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(part: Part, rounds: int) -> dict[str, str | float]:
    np.testing.assert_allclose(part.ours(), part.plain(), rtol=1e-5, atol=1e-5)
    turns = [(seconds(part.ours), seconds(part.plain)) for _ in range(rounds)]
    ours, plain = (statistics.median(way) for way in zip(*turns, strict=True))
    return {
        "part": part.name,
        "ours_s": ours,
        "plain": part.plain_name,
        "plain_s": plain,
        "ratio": ours / plain,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = [measure(part, arguments.rounds) for part in (concordance(), cox(), outlines())]
    table = Table("part", "ours, s", "beside", "s", "ours / theirs")
    for row in rows:
        shown = (f"{row[name]:.3f}" for name in ("ours_s", "plain_s", "ratio"))
        ours, plain, ratio = shown
        table.add_row(str(row["part"]), ours, str(row["plain"]), plain, ratio)
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
