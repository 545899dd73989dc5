"""Ask the viewer for many tiles at once and report how long each took.

    python benchmarks/viewer_load.py [--parallel 50] [--rounds 6]

A made slide is served by a process of its own on 127.0.0.1.  Each round asks for as many tiles
as ``--parallel`` says, each from a thread and a connection of its own; a tile is asked for once,
so each is read and decoded.  A round takes tiles of full resolution, or of a level that lies
between two of the slide.  Then the last tiles are asked for again, now from the viewer's cache.
"""

import argparse
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np

from msfusion_sdk.testing import make_slide

MOST_PARALLEL, MOST_ROUNDS = 200, 20


def get(port: int, address: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", address)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        msg = f"{address}: {answer.status} {body[:200]!r}"
        raise SystemExit(msg)
    return body


def ask_together(port: int, addresses: Sequence[str]) -> list[float]:
    """Return the milliseconds of each, all sent at the same moment."""
    together = Barrier(len(addresses))

    def ask(address: str) -> float:
        together.wait()
        start = time.perf_counter()
        get(port, address)
        return 1000 * (time.perf_counter() - start)

    with ThreadPoolExecutor(len(addresses)) as threads:
        return list(threads.map(ask, addresses))


def print_row(what: str, rounds: Sequence[Sequence[float]]) -> None:
    every = np.concatenate([np.asarray(one) for one in rounds])
    middle, late = np.percentile(every, [50, 95])
    worst = max(float(np.percentile(one, 95)) for one in rounds)
    print(f"{what:<34}{every.size:>6}{middle:>9.0f}{late:>9.0f}{worst:>18.0f}{every.max():>9.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parallel", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=6)
    options = parser.parse_args()
    parallel, rounds = min(options.parallel, MOST_PARALLEL), min(options.rounds, MOST_ROUNDS)
    with tempfile.TemporaryDirectory() as folder:
        slide = make_slide(Path(folder) / "slide.svs", 20000, 16000, tissue="full")
        command = [sys.executable, "-m", "msfusion_sdk.cli", "view", str(slide), "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                line = server.stdout.readline() if server.stdout else ""
                measure(int(re.findall(r":(\d+)/", line)[0]), parallel, rounds)
            finally:
                server.send_signal(signal.SIGINT)


def measure(port: int, parallel: int, rounds: int) -> None:
    key = re.findall(r'data-key="(\w+)"', get(port, "/").decode())[0]
    info = json.loads(get(port, f"/slides/{key}/info.json"))
    start = f"/slides/{key}/{info['version']}"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"{parallel} tiles at once, {rounds} rounds, on {cores} cores (server and client)")
    print(
        f"{'milliseconds':<34}{'tiles':>6}{'median':>9}{'p95':>9}{'p95, worst round':>18}{'max':>9}"
    )
    for below, what in ((0, "full resolution"), (1, "between two levels")):
        level = info["max_level"] - below
        edge = info["tile_px"] << below
        columns, rows = info["width"] // edge, info["height"] // edge
        places = np.random.default_rng(0).permutation(columns * rows)[: parallel * rounds]
        addresses = [f"{start}/{level}/{n % columns}_{n // columns}.jpg" for n in places]
        chunks = [addresses[at : at + parallel] for at in range(0, len(addresses), parallel)]
        print_row(what, [ask_together(port, chunk) for chunk in chunks])
    print_row("the last again, from the cache", [ask_together(port, chunks[-1])])


if __name__ == "__main__":
    main()
