"""The plain mean of a slide's attached features: its vector until something better is learned."""

from typing import Any

import numpy as np

from msfusion_sdk.cohort.features.attached import Attached
from msfusion_sdk.cohort.features.layouts import read_features

__all__ = ["mean_row"]


def mean_row(
    attached: Attached, name: str, fingerprint: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the slide row of attached features, and where it is from.

    Raises
    ------
    StoreError
        When the file is gone or was changed.
    """
    attached.require_unchanged()
    file, vector = attached.file, None
    if file.n_patches:
        features = read_features(file)
        vector = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    row = {
        "slide_id": attached.slide_id,
        "status": "ok" if file.n_patches else "empty",
        "reason": "" if file.n_patches else "no patch was kept by the program that made it",
        "vector": vector,
        "n_patches": file.n_patches,
        "tissue_area_mm2": 0.0,  # not in such files: a patient's slides then count alike
        "tissue_recall": None,
        "n_bad_regions": 0,
        "fingerprint": fingerprint,
    }
    provenance = {
        # Of the file of features: it stands for the slide, which need not be here.
        "slide": {"size_bytes": attached.size_bytes, "mtime_ns": attached.mtime_ns},
        "spacing": {"slide_mpp": None, "source": "unknown"},
        "model": {"name": name, "fingerprint": fingerprint, "weights_sha256": ""},
        "config": {
            "pooling": "mean of all patch features", "layout": file.layout,
            "encoder": file.encoder,
        },
    }  # fmt: skip
    return row, provenance
