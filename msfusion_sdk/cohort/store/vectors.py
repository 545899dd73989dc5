"""The slide vectors of a cohort: a row per slide, and a row per patient."""

import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from msfusion_sdk.cohort.features.attached import Attached, attached_rows
from msfusion_sdk.cohort.features.means import mean_row
from msfusion_sdk.cohort.store.aggregate import SlideUse, aggregate_slides
from msfusion_sdk.cohort.store.archives import read_archives
from msfusion_sdk.cohort.store.holdings import find_existing, load, steadily
from msfusion_sdk.cohort.store.ledger import Ledger
from msfusion_sdk.cohort.store.part import Part
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.errors import MissingModalityError, StoreCorruptError

__all__ = ["VerifiedParts", "load_parts", "patient_vectors"]


class VerifiedParts:
    """The parts of a model, none of which is left out without a word.

    Parameters
    ----------
    root : Path
        Of the cohort.
    fingerprint : str
        Of the model.
    """

    def __init__(self, root: Path, fingerprint: str) -> None:
        self._root, self._fingerprint = root, fingerprint
        self._folder = EmbeddingStore(root, fingerprint).folder
        self._archived = steadily(lambda: read_archives(self._folder))
        noted = Ledger(root, fingerprint).latest()
        self._done = {name for name, status in noted.items() if status.is_done}

    def load(self, slide_ids: list[str]) -> dict[str, Part]:
        """Return the parts of those slides that have one, each verified.

        Of attached features the mean is computed the first time that it is asked for, and kept.

        Raises
        ------
        StoreCorruptError
            When some are damaged or lost, naming them: nothing shall be computed from fewer
            slides than were encoded.
        StoreVersionError, StoreError
            When some are of a newer version, or cannot be read.
        """
        _keep_means(self._root, slide_ids, self._fingerprint)
        held = load(self._folder, slide_ids, self._archived)
        known = held.parts.keys() | held.faults.keys()
        lost = [name for name in slide_ids if name in self._done and name not in known]
        found = [*held.faults.values(), *held.archives.values()]
        if not found and not lost:
            return held.parts
        named = [*held.faults, *lost]
        texts = [str(error) for error in found[:3]]
        if lost:
            texts.append(f"{len(lost)} results that were committed are no longer there.")
        msg = (
            f"The results of {len(named)} slides of {self._root} cannot be used (first: "
            f"{', '.join(named[:3]) or 'not known'}). {' '.join(texts)} Encode the cohort again, "
            "which makes only these anew. Where that cannot be done: msfusion doctor --cohort "
            f"{shlex.quote(str(self._root))} --repair leaves them out, and says so."
        )
        raise StoreCorruptError(msg)


def load_parts(root: Path, slide_ids: list[str], fingerprint: str) -> dict[str, Part]:
    """Return the parts of those slides that have one; see ``VerifiedParts.load``."""
    return VerifiedParts(root, fingerprint).load(slide_ids)


def _keep_means(root: Path, slide_ids: list[str], fingerprint: str) -> None:
    attached, notes = attached_rows(root, fingerprint)
    if not attached:
        return
    store = EmbeddingStore(root, fingerprint)
    there, _ = find_existing(store.folder, slide_ids)
    todo = [attached[name] for name in slide_ids if name in attached and name not in set(there)]
    if todo:
        store.prepare()
        # Reading releases the interpreter's lock: threads read side by side.
        with ThreadPoolExecutor(4) as threads:
            rows = threads.map(lambda one: mean_row(one, notes["name"], fingerprint), todo)
            for row, provenance in rows:
                store.commit_row(row, provenance, dim=_length(attached))


def _length(attached: dict[str, Attached]) -> int:
    return max(row.file.features for row in attached.values()) or 1


def patient_vectors(
    slides: pd.DataFrame, parts: dict[str, Part], how: SlideUse = "weighted"
) -> pd.DataFrame:
    """Return slide vectors by patient, as ``aggregate_slides`` does.

    Parameters
    ----------
    slides : DataFrame
        ``slide_id`` and ``patient_id``.  Slides without a part, or without tissue, are left
        out.

    Raises
    ------
    MissingModalityError
        When no slide has a vector.
    """
    rows = [
        {
            "patient_id": patient_id,
            "slide_id": slide_id,
            "tissue_area_mm2": parts[slide_id].tissue_area_mm2,
            "vector": parts[slide_id].vector,
        }
        for slide_id, patient_id in zip(slides["slide_id"], slides["patient_id"], strict=True)
        if slide_id in parts
    ]
    if all(row["vector"] is None for row in rows):
        msg = (
            f"None of the {len(slides)} slides has a vector: they failed, are empty, or were not "
            "encoded. See why with msfusion cohort status, run msfusion cohort encode again; or "
            "name the other tables alone by modalities= (--modalities)."
        )
        raise MissingModalityError(msg)
    columns = ["patient_id", "slide_id", "tissue_area_mm2", "vector"]
    return aggregate_slides(pd.DataFrame(rows, columns=columns), how)
