"""The patch vectors of a cohort: a bag per patient, read when somebody learns from them."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from msfusion_sdk.bags.bag import (
    Bag,
    PatchSource,
    SlidePatches,
    Vectors,
    bag_table,
    vectors_of_rows,
)
from msfusion_sdk.cohort.features.attached import Attached, attached_rows
from msfusion_sdk.cohort.features.layouts import read_coords, read_features
from msfusion_sdk.cohort.store.part import Part
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.cohort.store.vectors import load_parts
from msfusion_sdk.errors import StoreError, TableError
from msfusion_sdk.phrases import first_few

__all__ = ["patient_bags"]

WITHOUT = (
    "Encode the cohort with patches=True, or msfusion cohort encode --patches: those slides are "
    "encoded again."
)


@dataclass(frozen=True, eq=False)
class _Stored(PatchSource):
    """Patches that were encoded here."""

    store: EmbeddingStore
    part: Part

    @property
    def path(self) -> Path:
        return self.store.patch_part(self.part.slide_id)

    def read(self) -> Vectors:
        return vectors_of_rows(self._rows())

    def places(self) -> pd.DataFrame:
        frame: pd.DataFrame = self._rows().select(["x", "y", "size_px"]).to_pandas()
        return frame

    def _rows(self) -> pa.Table:
        rows = self.store.patch_rows(self.part)
        if rows is None:
            msg = f"The patches of slide {self.part.slide_id!r} are gone, or of another file. "
            raise StoreError(msg + WITHOUT)
        return rows


@dataclass(frozen=True, eq=False)
class _OfOthers(PatchSource):
    """Features that another program wrote, where they lie."""

    attached: Attached

    @property
    def path(self) -> Path:
        return self.attached.file.path

    def read(self) -> Vectors:
        self.attached.require_unchanged()
        return read_features(self.attached.file)

    def places(self) -> pd.DataFrame:
        file = self.attached.file
        corners = read_coords(file)
        if corners is None or not file.size_l0 or file.layout == "stamp":
            msg = (
                f"{file.path} does not tell where its patches are in level-0 pixels, or how large "
                "they are. Encode the slides here to see a map."
            )
            raise TableError(msg)
        frame = pd.DataFrame(corners.round().astype(int), columns=["x", "y"])
        return frame.assign(size_px=round(file.size_l0))


def patient_bags(root: Path, slides: pd.DataFrame, fingerprint: str) -> pd.DataFrame:
    """Return a bag per patient who has a slide with tissue; no patch is read.

    Parameters
    ----------
    slides : DataFrame
        ``slide_id`` and ``patient_id``.  Slides that are not encoded, or empty, are left out.

    Raises
    ------
    StoreError
        When slides were encoded without their patches.
    """
    sources = _sources(root, list(slides["slide_id"]), fingerprint)
    having = slides[slides["slide_id"].isin(list(sources))]
    return bag_table(
        {
            str(patient): Bag(tuple(SlidePatches(name, sources[name]) for name in rows["slide_id"]))
            for patient, rows in having.groupby("patient_id", sort=False)
        }
    )


def _sources(root: Path, slide_ids: list[str], fingerprint: str) -> dict[str, PatchSource]:
    """Return where the patches of each slide are that has some."""
    attached, _ = attached_rows(root, fingerprint)
    if attached:
        mine = [attached[name] for name in slide_ids if name in attached]
        return {one.slide_id: _OfOthers(one) for one in mine if one.file.n_patches}
    parts = load_parts(root, slide_ids, fingerprint)
    store = EmbeddingStore(root, fingerprint)
    found = {name: _Stored(store, part) for name, part in parts.items() if part.n_patches}
    without = [name for name, source in found.items() if not source.path.is_file()]
    if without:
        msg = (
            f"{len(without)} of {len(found)} encoded slides have a vector and no patches (first: "
            f"{first_few(without)}). {WITHOUT}"
        )
        raise StoreError(msg)
    return dict(found)
