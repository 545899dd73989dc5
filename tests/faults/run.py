"""Kill, fail and fill every command that writes, and see what is left.

    python tests/faults/run.py                 a sample; about three minutes on a loaded machine
    python tests/faults/run.py --long          everything; an hour on two cores
    python tests/faults/run.py --only create   one command
    python tests/faults/run.py --long --part flips

Prints a line for each command and kind of fault, and ends with 1 unless nothing was lost, nothing
came out different, and nothing ended in an error that is not ours.  Needs Linux and gcc.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from injection import (
    LIBRARY,
    Action,
    Call,
    Ended,
    Fault,
    calls_of,
    can_run,
    run_forked,
    run_with_library,
)

KILLED_AT = (Call.FSYNC, Call.RENAME, Call.LINK, Call.UNLINK, Call.MKDIR)
ERRORS = ("EIO", "ENOSPC", "EROFS", "EDQUOT", "ENOENT")
FREE_SIZES = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true", help="every moment of every command")
    parser.add_argument("--only", help="part of the name of a command or of a kind of file")
    parser.add_argument("--part", choices=("calls", "flips", "mutations"), help="one part")
    parser.add_argument("--self-test", action="store_true", help="find what is written badly")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if not can_run():
        print("skipped: system calls can be made to fail on Linux with gcc only")
        return
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        if LIBRARY not in os.environ:
            sys.exit(run_with_library(Path(__file__), sys.argv[1:], Path(name)))
        if arguments.self_test:
            sys.exit(0 if finds_what_is_wrong(Path(name)) else 1)
        sys.exit(0 if run(Path(name), arguments) else 1)


def run(folder: Path, arguments: argparse.Namespace) -> bool:
    """Run all that was asked for; return whether all of it is as it should be."""
    from flips import run_flips
    from mutations import run_mutations
    from workloads import quiet
    from world import make_world

    quiet()
    start = time.monotonic()
    world = make_world(folder)
    print(f"made in {time.monotonic() - start:.0f} s", flush=True)
    good = True
    if arguments.part in (None, "calls"):
        good &= run_calls(world, folder / "cases", arguments)
    if arguments.part in (None, "flips"):
        good &= run_flips(world, folder / "flips", is_long=arguments.long, only=arguments.only)
    if arguments.part in (None, "mutations"):
        good &= run_mutations(world, folder / "mutants", is_long=arguments.long)
    print(f"{time.monotonic() - start:.0f} s in all: {'good' if good else 'BAD'}")
    return good


def finds_what_is_wrong(folder: Path) -> bool:
    """Return whether a writer that is careless is found out, at each kind of fault."""
    from workloads import Workload

    def write(_: object, place: Path) -> None:
        with (place / "x").open("w") as file:
            file.write("first half, ")
            file.flush()
            os.fsync(file.fileno())
            file.write("second half")

    def read(_: object, place: Path) -> object:
        path = place / "x"
        return path.read_text() if path.exists() else None

    case = Case(None, Workload("careless", write, read), folder)
    faults = {
        "killed": Fault(Call.FSYNC, 1, Action.KILL_BEFORE),
        "failing": Fault(Call.FSYNC, 1, Action.FAIL_ONCE, 5),
        "full": Fault(None, 15, Action.FULL_AFTER),
    }
    found = {name: case.outcome(fault) for name, fault in faults.items()}
    print(found)
    return found == {
        "killed": "different on reading",
        "failing": "foreign error",
        "full": "foreign error",
    }


def run_calls(world, folder: Path, arguments: argparse.Namespace) -> bool:  # type: ignore[no-untyped-def]
    """Kill and fail every command; return whether all went well."""
    from workloads import WORKLOADS

    folder.mkdir()
    rng, good = random.Random(arguments.seed), True
    for workload in WORKLOADS:
        if arguments.only and arguments.only not in workload.name:
            continue
        if workload.is_slow and not arguments.long:
            continue
        case = Case(world, workload, folder)
        faults = {
            "kills": list(case.kills()),
            "errors": list(case.errors()),
            "full disk": list(case.full_disks()),
        }
        for kind, all_of_them in faults.items():
            chosen = all_of_them
            if not arguments.long:
                chosen = rng.sample(all_of_them, min(4, len(all_of_them)))
            elif kind == "errors":
                chosen = rng.sample(all_of_them, min(60, len(all_of_them)))
            counts = Counter(case.outcome(fault) for fault in chosen)
            bad = {how: n for how, n in counts.items() if how not in ("good", "not reached")}
            good &= not bad
            print(f"{workload.name:26} {kind:9} {len(chosen):4}  {dict(counts)}", flush=True)
    return good


class Case:
    """One command, and what comes of it under faults."""

    def __init__(self, world, workload, folder: Path) -> None:  # type: ignore[no-untyped-def]
        self.world, self.workload, self.folder = world, workload, folder
        self.base, self.place = folder / "base", folder / "case"
        shutil.rmtree(self.base, ignore_errors=True)
        workload.prepare(world, self.base)
        self.before = self._state(self.base)
        self._reset()
        self.calls = calls_of(self._act, self.place)
        self.wanted = self._state(self.place)
        assert self.wanted[0] == "ok", self.wanted

    def kills(self) -> Iterator[Fault]:
        """Yield a kill before every call, and one after the last of each kind."""
        for call in KILLED_AT:
            for at in range(1, self.calls[call] + 1):
                yield Fault(call, at, Action.KILL_BEFORE)
            if self.calls[call]:
                yield Fault(call, self.calls[call], Action.KILL_AFTER)

    def errors(self) -> Iterator[Fault]:
        """Yield each error at each call, once and from then on."""
        import errno

        for name in ERRORS:
            for call in Call:
                if name == "ENOENT" and call is not Call.RENAME:
                    continue
                if call is Call.READ and name != "EIO":
                    continue
                for at in range(1, self.calls[call] + 1):
                    for action in (Action.FAIL_ONCE, Action.FAIL_FROM):
                        yield Fault(call, at, action, getattr(errno, name))

    def full_disks(self) -> Iterator[Fault]:
        """Yield disks of 20 sizes, from one that is full to one that is almost large enough."""
        size = sum(path.stat().st_size for path in self.place.rglob("*") if path.is_file())
        for number in range(FREE_SIZES):
            yield Fault(None, size * number // FREE_SIZES, Action.FULL_AFTER)

    def outcome(self, fault: Fault) -> str:
        """Return what a fault leads to: ``good``, or what is wrong."""
        self._reset()
        ended = run_forked(self._act, self.place, fault)
        wrong = self._wrong_end(fault, ended) or self._wrong_rest()
        if wrong:
            print(f"  {self.workload.name}, {fault}: {wrong}", file=sys.stderr)
            return wrong.partition(":")[0]
        return "good"

    def _wrong_end(self, fault: Fault, ended: Ended) -> str:
        if ended.how == "foreign":
            return f"foreign error: {ended.text}"
        if fault.action is Action.FULL_AFTER and ended.how == "own" and "Full" not in ended.text:
            return f"not told as a full disk: {ended.text}"
        return ""

    def _wrong_rest(self) -> str:
        """Return what is wrong with what is left: it is read, finished, and compared."""
        kind, found = self._state(self.place)
        if kind == "foreign":
            return f"foreign error on reading: {found}"
        is_known = (kind, found) in (self.before, self.wanted)
        if kind == "ok" and not is_known and not self._is_between(found):
            return f"different on reading: {str(found)[:300]}"
        again = run_forked(self._act, self.place)
        # Killed when all was done: what is finished is not touched, and that is said.
        is_finished = again.how == "own" and (kind, found) == self.wanted
        if again.how != "ok" and not is_finished:
            return f"refused: {again.text[-500:]}"
        if self._state(self.place) != self.wanted:
            return f"different: {str(self._state(self.place))[:300]}"
        left = [path.name for path in self.place.rglob(".unfinished")]
        return f"lost: {left} stay" if left else ""

    def _is_between(self, found: Any) -> bool:
        """Whether it is a part of what is wanted: a cohort is encoded slide by slide."""
        wanted: Any = self.wanted[1]
        if self.workload.name == "encode --patches" and isinstance(found, tuple):
            return bool(found[0].items() <= wanted[0].items())
        if isinstance(found, dict) and isinstance(wanted, dict):
            return found.items() <= wanted.items()
        return self.workload.name in ("checkpoints", "encode files", "doctor --repair")

    def _act(self) -> None:
        self.workload.act(self.world, self.place)

    def _state(self, folder: Path) -> tuple[str, object]:
        from msfusion_sdk.errors import MsfusionError

        try:
            return "ok", self.workload.state(self.world, folder)
        except (MsfusionError, FileNotFoundError) as error:
            return "own", type(error).__name__
        except Exception as error:
            return "foreign", f"{type(error).__name__}: {error}"

    def _reset(self) -> None:
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.copytree(self.base, self.place)


if __name__ == "__main__":
    main()
