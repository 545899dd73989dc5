"""What lies in the folder of a cohort beside it: remains of killed processes, files set aside."""

import os
from collections.abc import Iterator
from pathlib import Path

from msfusion_sdk.cohort.workers.work_hints import CLAIMS, is_abandoned
from msfusion_sdk.doctor.finding import Finding, Level
from msfusion_sdk.errors import StoreError
from msfusion_sdk.files import entries_of, remove_abandoned
from msfusion_sdk.files.owners import has_ended
from msfusion_sdk.files.writing import PREFIX
from msfusion_sdk.phrases import first_few

__all__ = ["check_leftovers"]

SET_ASIDE = (".corrupt", ".outdated")
OWN = {"cohort.json", "patients.parquet", "slides.parquet", "modalities", "embeddings", "patches"}
OWN |= {"ledger", "features"}


def check_leftovers(root: Path, *, repair: bool) -> list[Finding]:
    """Return what was found; ``repair`` removes what processes have left that are gone."""
    try:
        return [
            *_temporary(root, repair=repair),
            *_claims(root, repair=repair),
            *_set_aside(root),
            *_strangers(root),
        ]
    except StoreError as error:
        return [_finding("problem", str(error))]


def _temporary(root: Path, *, repair: bool) -> list[Finding]:
    left = [
        path
        for folder in _folders(root)
        for path in _hidden(folder)
        if path.name.startswith(PREFIX) and has_ended(path.name, PREFIX)
    ]
    if not left:
        return []
    names = first_few(str(path.relative_to(root)) for path in left)
    found = f"{len(left)} temporary files of processes that were killed ({names})."
    if not repair:
        return [_finding("note", found, "The next run there removes them, and so does --repair.")]
    for folder in {path.parent for path in left}:
        remove_abandoned(folder)
    return [_finding("note", f"{found} They were removed.")]


def _claims(root: Path, *, repair: bool) -> list[Finding]:
    claims = [
        path
        for model in entries_of(root / "ledger")
        if model.is_dir()
        for path in entries_of(model / CLAIMS)
        if is_abandoned(path)
    ]
    if not claims:
        return []
    found = f"{len(claims)} slides are claimed by processes that are gone."
    if not repair:
        return [_finding("note", found, "They delay nothing; --repair removes them.")]
    for path in claims:
        path.unlink(missing_ok=True)
    return [_finding("note", f"{found} The claims were removed.")]


def _set_aside(root: Path) -> list[Finding]:
    aside = [
        path for folder in _folders(root) for path in entries_of(folder) if path.suffix in SET_ASIDE
    ]
    if not aside:
        return []
    size = sum(path.lstat().st_size for path in aside) / 1e6
    names = first_few(str(path.relative_to(root)) for path in aside)
    found = f"{len(aside)} files that were set aside ({size:.1f} MB: {names})."
    return [_finding("note", found, "Remove them when nobody wants to look at them.")]


def _strangers(root: Path) -> list[Finding]:
    strange = [
        path.name
        for path in entries_of(root)
        if path.name not in OWN and not path.name.startswith("summary")
    ]
    if not strange:
        return []
    found = f"{len(strange)} files that do not belong to a cohort ({first_few(strange)})."
    return [_finding("note", found, "They do no harm. Keep keys and exports elsewhere.")]


def _folders(root: Path) -> Iterator[Path]:
    yield root
    for name in ("modalities", "embeddings", "patches", "ledger", "features"):
        if (root / name).is_dir():
            yield root / name
            yield from (path for path in entries_of(root / name) if path.is_dir())


def _hidden(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        return [Path(entry.path) for entry in entries if entry.name.startswith(".")]


def _finding(level: Level, found: str, remedy: str = "") -> Finding:
    return Finding(check="left over", level=level, found=found, remedy=remedy)
