"""Attach a folder of features that another program made to the slides of a cohort."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from msfusion_sdk.cohort.features.attached import (
    Attached,
    attached_rows,
    features_fingerprint,
    write_attached,
)
from msfusion_sdk.cohort.features.layouts import FeatureFile, look_at
from msfusion_sdk.cohort.store.ledger import Ledger, SlideStatus
from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.encoder.sources.known import known_by_word, known_network
from msfusion_sdk.errors import (
    DuplicateIdError,
    MsfusionError,
    ShapeError,
    StoreMixedFeaturesError,
    TableError,
)

__all__ = ["AttachReport", "attach_features"]

SUFFIXES = (".h5", ".hdf5", ".pt")


class AttachReport(FrozenConfig):
    """What became of a folder of features."""

    name: str
    fingerprint: str
    attached: int
    empty: int
    """Slides whose file holds no patch."""
    without_file: int
    unknown_files: int
    """Files that are named after no slide of the cohort."""
    failures: tuple[SlideStatus, ...]
    features: int
    """Length of the vector of a patch."""
    layouts: tuple[str, ...]


def attach_features(
    root: Path,
    slide_ids: list[str],
    folder: Path,
    name: str,
    *,
    network: str | None = None,
    encoder: str | None = None,
) -> AttachReport:
    """Attach files by reference; see ``Cohort.attach_features``.

    Raises
    ------
    TableError
        When no file belongs to a slide, or none of them can be used.  Nothing is left then.
    """
    if not slide_ids:
        msg = (
            "The cohort has no slides to which features could belong. Add a table with slide_id "
            "and patient_id: add_slides, in the shell msfusion cohort add COHORT slides TABLE."
        )
        raise TableError(msg)
    files = _files_in(folder, slide_ids)
    mine = [slide_id for slide_id in slide_ids if slide_id in files]
    if not mine:
        msg = (
            f"None of the {len(files)} .h5 and .pt files in {folder} is named after a slide of the "
            f"cohort (files: {', '.join(sorted(files)[:3]) or 'none'}; slides: "
            f"{', '.join(slide_ids[:3])}). Files must be called <slide_id>.h5 or .pt."
            f"{_nearly_named(files, slide_ids)}"
        )
        raise TableError(msg)
    # 0 stands for not known: then the first file that can be used decides.
    length = known_network(network).features if network else 0
    found, failures = _looked_at(mine, files, encoder, length, network)
    if not found:
        first = failures[0]
        msg = (
            f"None of the {len(mine)} files in {folder} can be used. The first, of "
            f"{first.slide_id}: {first.reason}"
        )
        raise TableError(msg)
    fingerprint = features_fingerprint(name)
    before, _ = attached_rows(root, fingerprint)
    # Attached a second time, a file replaces the row of its slide; others stay.
    rows = {**before, **{row.slide_id: row for row in found}}
    lengths = {row.file.features for row in rows.values() if row.file.features}
    if len(lengths) > 1:
        msg = (
            f"The features of {name!r} have the lengths {sorted(lengths)}: those of two networks. "
            "Attach each under a name of its own."
        )
        raise ShapeError(msg)
    # Two networks may give vectors of one length: Virchow and Virchow2 do.
    words = sorted({row.file.encoder for row in rows.values() if row.file.encoder})
    if len(words) > 1:
        msg = (
            f"The files say that the features of {name!r} are of {' and of '.join(words[:3])}. "
            "Attach each under a name of its own."
        )
        raise StoreMixedFeaturesError(msg)
    notes: dict[str, Any] = {"name": name, "network": network, "encoder": encoder}
    write_attached(root, fingerprint, [rows[key] for key in sorted(rows)], notes)
    ledger = Ledger(root, fingerprint)
    for failure in failures:
        ledger.write(failure)
    empty = sum(not row.file.n_patches for row in found)
    return AttachReport(
        name=name,
        fingerprint=fingerprint,
        attached=len(found) - empty,
        empty=empty,
        without_file=len(slide_ids) - len(mine),
        unknown_files=len(files) - len(mine),
        failures=tuple(failures),
        features=next(iter(lengths), 0),
        layouts=tuple(sorted({row.file.layout for row in found})),
    )


def _files_in(folder: Path, slide_ids: list[str]) -> dict[str, Path]:
    """Return the files of features by their stem, those of subfolders too (STAMP writes them).

    Raises
    ------
    DuplicateIdError
        When two files are named after one slide: those of two networks, say.
    """
    if not folder.is_dir():
        msg = f"{folder} is no folder of features."
        raise TableError(msg)
    found: dict[str, Path] = {}
    twice: dict[str, tuple[Path, Path]] = {}
    for where, _, names in os.walk(folder):
        for name in names:
            path = Path(where, name)
            if path.suffix in SUFFIXES and not name.startswith("."):
                # Of an .h5 and a .pt of one slide, as CLAM writes both, the one with places.
                known = found.get(path.stem)
                if known is None or (known.suffix == ".pt" and path.suffix != ".pt"):
                    found[path.stem] = path
                elif (known.suffix == ".pt") == (path.suffix == ".pt"):
                    twice.setdefault(path.stem, (known, path))
    both = next((twice[slide_id] for slide_id in slide_ids if slide_id in twice), ())
    if both:
        one, other = sorted(str(path.relative_to(folder)) for path in both)
        msg = f"{folder} holds {one} and {other} for one slide. Give the folder of one of them."
        raise DuplicateIdError(msg)
    return found


def _nearly_named(files: Collection[str], slide_ids: list[str]) -> str:
    """Return that ids are names of files with their ending, where features lack it; else ''."""
    near = [slide_id for slide_id in slide_ids if Path(slide_id).stem in files]
    if not near:
        return ""
    return (
        f" {len(near)} ids have an ending that the files lack: write {Path(near[0]).stem!r} for "
        f"{near[0]!r} in the slide table, and make the cohort of it."
    )


def _looked_at(
    slide_ids: list[str],
    files: dict[str, Path],
    encoder: str | None,
    length: int,
    network: str | None,
) -> tuple[list[Attached], list[SlideStatus]]:
    found: list[Attached] = []
    failures: list[SlideStatus] = []
    for slide_id in slide_ids:
        try:
            file = look_at(files[slide_id], encoder)
            _require_network(file, network)
            _require_length(file, length or next((f.file.features for f in found), 0), network)
            found.append(Attached.of(slide_id, file))
        except MsfusionError as error:
            failures.append(
                SlideStatus(slide_id=slide_id, status="failed", code=error.code, reason=str(error))
            )
    return found, failures


def _require_network(file: FeatureFile, network: str | None) -> None:
    """Raise when a file says that it is of another known network than was stated."""
    meant = known_by_word(file.encoder) if network and file.encoder else None
    if meant is not None and meant.name != network:
        msg = (
            f"{file.path.name} says that its features are of {meant.name}, and network={network!r} "
            f"(--network) was stated. State {meant.name}, or attach the folder of {network}."
        )
        raise ShapeError(msg)


def _require_length(file: FeatureFile, length: int, network: str | None) -> None:
    if length and file.n_patches and file.features != length:
        whose = f"{network} gives" if network else "the files before it have"
        msg = f"{file.path.name} has {file.features} features per patch, and {whose} {length}."
        raise ShapeError(msg)
