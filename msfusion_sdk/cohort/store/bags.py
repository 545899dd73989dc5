"""The patch vectors of a cohort: a bag per patient, read when somebody learns from them."""

from pathlib import Path

import pandas as pd

from msfusion_sdk.bags.bag import Bag, SlidePatches, bag_table
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.cohort.store.vectors import load_parts
from msfusion_sdk.errors import StoreError
from msfusion_sdk.phrases import first_few

__all__ = ["patient_bags"]


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
    store, parts = (
        EmbeddingStore(root, fingerprint),
        load_parts(root, list(slides["slide_id"]), fingerprint),
    )
    having = slides[[name in parts and parts[name].n_patches > 0 for name in slides["slide_id"]]]
    paths = {name: store.patch_part(name) for name in having["slide_id"]}
    without = [name for name, path in paths.items() if not path.is_file()]
    if without:
        msg = (
            f"{len(without)} of {len(paths)} encoded slides have a vector and no patches (first: "
            f"{first_few(without)}). Encode the cohort with patches=True, or msfusion cohort "
            "encode --patches: those slides are encoded again."
        )
        raise StoreError(msg)
    return bag_table(
        {
            str(patient): Bag(tuple(SlidePatches(name, paths[name]) for name in rows["slide_id"]))
            for patient, rows in having.groupby("patient_id", sort=False)
        }
    )
