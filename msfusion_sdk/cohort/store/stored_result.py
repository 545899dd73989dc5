"""The result of one slide of a cohort, put together from what is stored of it."""

import json
from typing import Any, cast

from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.encoder.result.embedding import SlideEmbedding, Status, no_patches
from msfusion_sdk.encoder.result.provenance import Provenance

__all__ = ["stored_result"]


def stored_result(store: EmbeddingStore, slide_id: str) -> SlideEmbedding:
    """Return a stored result, with its patches when they were stored.

    Raises
    ------
    KeyError
        When the slide has no part.
    StoreError
        When its file is damaged.
    pydantic.ValidationError
        When it was not made by an encoder: features that were imported.
    """
    part = store.read(slide_id)
    patches = store.patch_rows(part)
    header: dict[str, Any] = json.loads(part.header)
    provenance = Provenance.model_validate_json(header["provenance"])
    return SlideEmbedding(
        slide_id=slide_id,
        status=cast("Status", part.status),
        reason=part.reason,
        vector=part.vector,
        patches=no_patches(provenance.config) if patches is None else patches,
        provenance=provenance,
        tissue=header["tissue"],
    )
