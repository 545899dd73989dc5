"""The slide vectors of a cohort: a row per slide, and a row per patient."""

from pathlib import Path

import pandas as pd

from msfusion_sdk.cohort.store.aggregate import SlideUse, aggregate_slides
from msfusion_sdk.cohort.store.part import Part
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.errors import StoreCorruptError

__all__ = ["load_parts", "patient_vectors"]


def load_parts(root: Path, slide_ids: list[str], fingerprint: str) -> dict[str, Part]:
    """Return the parts of those slides that have one, each verified.

    Raises
    ------
    StoreCorruptError
        When some are damaged.  They are set aside, so that encoding again makes them anew,
        and asking again gives the others.
    """
    store = EmbeddingStore(root, fingerprint)
    there = store.existing(slide_ids)
    parts = store.load(slide_ids)
    damaged = [name for name in there if name not in parts]
    if damaged:
        msg = (
            f"The parts of {len(damaged)} slides were damaged and are set aside (first: "
            f"{', '.join(damaged[:3])}). Encode the cohort again, which makes only these anew."
        )
        raise StoreCorruptError(msg)
    return parts


def patient_vectors(
    slides: pd.DataFrame, parts: dict[str, Part], how: SlideUse = "weighted"
) -> pd.DataFrame:
    """Return slide vectors by patient, as ``aggregate_slides`` does.

    Parameters
    ----------
    slides : DataFrame
        ``slide_id`` and ``patient_id``.  Slides without a part, or without tissue, are left
        out.
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
    columns = ["patient_id", "slide_id", "tissue_area_mm2", "vector"]
    return aggregate_slides(pd.DataFrame(rows, columns=columns), how)
