"""The slides that can be looked at: those of a cohort, or one."""

import hashlib
import json
import os
import shlex
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from msfusion_sdk.cohort.cohort import Cohort
from msfusion_sdk.cohort.export.patch_features import Places, places_of
from msfusion_sdk.cohort.features.attached import attached_rows
from msfusion_sdk.cohort.store.ledger import SlideStatus
from msfusion_sdk.cohort.store.remedies import remedy_of
from msfusion_sdk.cohort.store.status import choose_model, models_of, slide_statuses
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.cohort.store.stored_result import stored_result
from msfusion_sdk.encoder.result.embedding import SlideEmbedding
from msfusion_sdk.errors import ReaderCrashedError, SlideTimeoutError
from msfusion_sdk.slides.files.names import result_name, slide_id_of
from msfusion_sdk.storage.isolation import Child, ChildDiedError, ChildTimeoutError
from msfusion_sdk.tables.paths import path_of

__all__ = ["Catalog", "ListedSlide", "open_catalog"]

NOT_ENCODED = "not encoded"
OPENING_S = 60.0


@dataclass(frozen=True)
class ListedSlide:
    """One slide of the list."""

    slide_id: str
    patient_id: str
    """'' for a slide that was given directly."""
    path: Path
    mpp: float | None
    """The caller's µm per pixel, which wins over the header's."""
    status: str
    reason: str
    """Why it is what it is, and what to do."""
    load: Callable[[], SlideEmbedding | Places] | None
    """Reads the stored result; None where there is none."""
    how_to_encode: str
    """The command."""

    @cached_property
    def key(self) -> str:
        """The name in addresses: tells nothing, and leads to this slide or to none."""
        told = json.dumps([self.slide_id, os.fsencode(self.path).hex()])
        return hashlib.sha256(told.encode()).hexdigest()[:20]

    def without_folder(self, text: str) -> str:
        """Return a message without the folder of the slide: a page should not name it."""
        return text.replace(f"{self.path.parent}{os.sep}", "")


@dataclass(frozen=True)
class Catalog:
    """What the viewer shows, as it was when it started."""

    title: str
    slides: tuple[ListedSlide, ...]

    @cached_property
    def by_key(self) -> dict[str, ListedSlide]:
        """The only way from an address to a file."""
        return {slide.key: slide for slide in self.slides}

    @property
    def counts(self) -> dict[str, int]:
        """Slides by status, the most frequent first."""
        return dict(Counter(slide.status for slide in self.slides).most_common())


def open_catalog(path: str | os.PathLike[str], model: str | None = None) -> Catalog:
    """Return the slides of a cohort folder, or one slide with the result that lies beside it.

    Parameters
    ----------
    model : str, optional
        The first letters of a fingerprint, when several models have encoded a cohort.

    Raises
    ------
    SlideError
        When one slide is meant and it cannot be opened.
    StoreError
        When the cohort or the result is damaged, or several models are meant.
    """
    path = Path(path)
    if (path / "cohort.json").is_file():
        return _of_cohort(path, model)
    return _of_slide(path)


def _of_cohort(folder: Path, model: str | None) -> Catalog:
    cohort = Cohort.open(folder)
    rows = [] if cohort.slides is None else cohort.slides.to_pylist()
    fingerprint = choose_model(folder, model) if models_of(folder) or model else None
    ids = [row["slide_id"] for row in rows]
    statuses = slide_statuses(folder, ids, fingerprint) if fingerprint else {}
    store = EmbeddingStore(folder, fingerprint or "")
    attached = attached_rows(folder, fingerprint)[0] if fingerprint else {}
    command = shlex.join(["msfusion", "cohort", "encode", str(folder), "--patches"])
    slides = []
    for row in rows:
        slide_id = row["slide_id"]
        status = statuses.get(slide_id)
        load: Callable[[], SlideEmbedding | Places] | None = None
        if status and status.is_done:
            own = attached.get(slide_id)
            load = partial(places_of, own) if own else partial(stored_result, store, slide_id)
        listed = ListedSlide(
            slide_id=slide_id,
            patient_id=row["patient_id"],
            path=path_of(row),
            mpp=row["mpp"],
            status=NOT_ENCODED if status is None else status.status.replace("_", " "),
            reason="",
            load=load,
            how_to_encode=command,
        )
        slides.append(replace(listed, reason=listed.without_folder(_reason(status))))
    return Catalog(f"Cohort “{folder.resolve().name}”", tuple(slides))


def _reason(status: SlideStatus | None) -> str:
    if status is None:
        return ""
    # Errors say what to do by themselves.
    return f"{status.reason}. {remedy_of(status)}" if status.status == "empty" else status.reason


def _of_slide(path: Path) -> Catalog:
    slide_id = slide_id_of(path)
    # As encode names it: what follows the last dot of a folder's name is part of it.
    beside = path.with_name(f"{result_name(slide_id)}.parquet")
    result = SlideEmbedding.from_parquet(beside) if beside.is_file() else None
    spacing = result.provenance.spacing if result else None
    # The spacing that the result was made with, where the header had none or was overruled.
    mpp = spacing.given_mpp if spacing else None
    # Of a folder of DICOM instances, one of them.
    where = _opened(path, mpp)
    words = ["msfusion", "encode", str(path), "--out", str(path.parent), "--patches"]
    listed = ListedSlide(
        slide_id=result.slide_id if result else slide_id,
        patient_id="",
        path=where,
        mpp=mpp,
        status=result.status.replace("_", " ") if result else NOT_ENCODED,
        reason=result.reason if result else "",
        load=partial(SlideEmbedding.from_parquet, beside) if result else None,
        how_to_encode=shlex.join(words),
    )
    return Catalog(path.name, (listed,))


def _opened(path: Path, mpp: float | None) -> Path:
    """Return the file that a slide is, once it has been opened in a process of its own."""
    child = Child("msfusion_sdk.view.reading:answer")
    try:
        child.call("info", str(path), mpp, timeout_s=OPENING_S)
        return Path(child.call("file", str(path), mpp, timeout_s=OPENING_S)[0])
    except ChildDiedError as error:
        msg = f"{path} ends the process that reads it ({error}). Copy the slide again."
        raise ReaderCrashedError(msg) from error
    except ChildTimeoutError as error:
        msg = f"{path} could not be opened: {error}. Its disk may hang."
        raise SlideTimeoutError(msg, retryable=True) from error
    finally:
        child.close()
