"""What a folder can do that results are written into: space, and what a commit needs."""

import os
import shutil
import tempfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from msfusion_sdk.doctor.finding import Finding, Level
from msfusion_sdk.errors import StoreError
from msfusion_sdk.files import (
    probe_folder,
    put_if_absent,
    store_error,
    storing,
    temporary_beside,
)
from msfusion_sdk.files.writing import drop

__all__ = ["check_cache", "check_folder", "check_temporary"]

PROBE_BYTES = 2**20
LOW_BYTES = 2**30  # about 200,000 patch rows of 5 kB
NETWORK = ("nfs", "nfs4", "cifs", "smb3", "lustre", "gpfs", "beegfs", "ceph", "9p", "afs")
ELSEWHERE = "Choose another folder, and try it: msfusion doctor --folder DIR"


def check_folder(folder: Path) -> list[Finding]:
    """Try in ``folder`` what a cohort needs; leaves nothing behind."""
    if not folder.is_dir():
        found = f"{folder} is no folder."
        return [_finding("folder", "problem", found, f"mkdir -p '{folder}'")]
    found = _trouble(folder)
    if found:
        return [_finding("folder", "problem", found, f"Free space there. {ELSEWHERE}")]
    free = _finding("folder", "ok", f"{folder}: written, flushed and renamed a file")
    try:
        more = [*_space("folder", folder), *_links(folder), *_names(folder), *_network(folder)]
    except OSError as error:
        # It went well a moment ago: a disk that comes and goes, or has just become full.
        more = [_finding("folder", "problem", f"{folder}: {error}", ELSEWHERE)]
    return [free, *more]


def check_temporary() -> list[Finding]:
    """Look at the folder for temporary files."""
    try:
        folder = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        return [_finding("temporary files", "problem", str(error), "export TMPDIR=DIR")]
    if found := _trouble(folder):
        remedy = "Free space there, or: export TMPDIR=DIR, a folder with space"
        return [_finding("temporary files", "problem", found, remedy)]
    return [_finding("temporary files", "ok", str(folder)), *_space("temporary files", folder)]


def check_cache() -> list[Finding]:
    """Look at the folder that models of the Hugging Face hub are kept in, where some may come."""
    if find_spec("huggingface_hub") is None:
        return []
    constants = import_module("huggingface_hub.constants")
    cache = Path(constants.HF_HUB_CACHE)
    if constants.HF_HUB_OFFLINE:
        found = f"HF_HUB_OFFLINE is set: hub models come from {cache} only."
        return [_finding("model cache", "note", found, "unset HF_HUB_OFFLINE to download models")]
    # The folder is made with the first download; until then its parent decides.
    there = next(path for path in (cache, *cache.parents) if path.exists())
    if found := _trouble(there):
        remedy = "export HF_HOME=DIR, a folder with space that you can write into"
        return [_finding("model cache", "warning", f"No hub model can be kept: {found}", remedy)]
    return [_finding("model cache", "ok", str(cache))]


def _trouble(folder: Path) -> str:
    """Write a megabyte; return why that cannot be done, or nothing."""
    probe = temporary_beside(folder / "probe")
    try:
        probe_folder(folder)
        # Free space is not asked for but used: a quota shows in no other way.
        with storing(probe) as temporary:
            temporary.write_bytes(bytes(PROBE_BYTES))
        # A disk that lets nothing be removed is of no use either.
        probe.unlink()
    except StoreError as error:
        return str(error)
    except OSError as error:
        return str(store_error(probe, error))
    finally:
        drop(probe)
    return ""


def _space(check: str, folder: Path) -> list[Finding]:
    free = shutil.disk_usage(folder).free
    findings = []
    if free < LOW_BYTES:
        found = f"{folder} has {free / 1e6:.0f} MB free."
        findings.append(_finding(check, "warning", found, f"Free space there. {ELSEWHERE}"))
    if hasattr(os, "statvfs"):
        facts = os.statvfs(folder)
        # A file system that does not count its files says that it has none.
        if facts.f_files and facts.f_favail < 10_000:
            found = f"{folder} has room for {facts.f_favail} more files; a slide needs two."
            findings.append(_finding(check, "warning", found, f"Delete files. {ELSEWHERE}"))
    return findings


def _links(folder: Path) -> list[Finding]:
    first, second = (temporary_beside(folder / "probe.txt") for _ in range(2))
    target, link = (temporary_beside(folder / "probe.txt") for _ in range(2))
    try:
        for path in (first, second):
            path.write_text(path.name)
        won = put_if_absent(first, target), put_if_absent(second, target)
        if won != (True, False):
            found = f"{folder} lets a second writer take the name of the first."
            return [_finding("commit", "problem", found, ELSEWHERE)]
        try:
            os.link(second, link)
        except OSError as error:
            found = (
                f"{folder} has no hard links ({error.strerror}), so of two writers of one slide "
                "the last wins."
            )
            remedy = f"Let one process at a time write into a cohort there. {ELSEWHERE}"
            return [_finding("commit", "warning", found, remedy)]
        return [_finding("commit", "ok", "the first of two writers wins")]
    finally:
        for path in (first, second, target, link):
            path.unlink(missing_ok=True)


def _names(folder: Path) -> list[Finding]:
    probe = temporary_beside(folder / "probe.txt")
    probe.touch()
    try:
        if not probe.with_name(probe.name.upper()).exists():
            return []
    finally:
        probe.unlink()
    found = f"{folder} takes a.svs and A.svs for one file."
    return [_finding("folder", "note", found, "Use slide ids that differ in more than case.")]


def _network(folder: Path) -> list[Finding]:
    kind = _file_system(folder)
    if kind not in NETWORK and not kind.startswith("fuse."):
        return []
    found = f"{folder} is on {kind}, where locks may hold nobody back. Results do not need them."
    remedy = "Download a hub model once before many processes start; their cache relies on locks."
    return [_finding("folder", "note", found, remedy)]


def _file_system(folder: Path) -> str:
    """Return the kind of file system, as Linux names it; empty elsewhere."""
    mounts = Path("/proc/self/mounts")
    if not mounts.is_file():
        return ""
    place = folder.resolve()
    kinds = {}
    for line in mounts.read_text(errors="replace").splitlines():
        _, where, kind, *_ = line.split()
        root = Path(where.replace("\\040", " "))
        if place.is_relative_to(root):
            # Of all mount points above the folder the deepest is the one it lies on.
            kinds[len(root.parts)] = kind
    return kinds[max(kinds)] if kinds else ""


def _finding(check: str, level: Level, found: str, remedy: str = "") -> Finding:
    return Finding(check=check, level=level, found=found, remedy=remedy)
