"""The result of encoding one slide."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import ValidationError

from msfusion_sdk.config import EncoderConfig
from msfusion_sdk.encoder.result.geojson import Polygon, write_geojson
from msfusion_sdk.encoder.result.provenance import Provenance, provenance_facts
from msfusion_sdk.errors import StoreSchemaError
from msfusion_sdk.phrases import html_table
from msfusion_sdk.plugins import drawn
from msfusion_sdk.slides.files.stamp import FileStamp
from msfusion_sdk.storage.parquet import patch_schema, read_parquet, write_parquet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SlideEmbedding", "Status", "no_patches", "of_original"]

Status = Literal["ok", "ok_with_warnings", "empty"]


@dataclass(frozen=True, eq=False)
class SlideEmbedding:
    """A slide as one vector, with the patches it was made of and where it is from."""

    slide_id: str
    """The stem of the file, or as it was given."""
    status: Status
    """'ok', 'ok_with_warnings' or 'empty'."""
    reason: str
    """Why the status is what it is; '' when it is 'ok'."""
    vector: NDArray[np.float32] | None
    """Shape (length,), 1024 for a model of the method; None when the status is 'empty'."""
    patches: pa.Table
    """A row per patch: x, y, size_px (level-0 pixels), context_score, tile_scores (a number for
    each tile, row by row), weight (the rows sum to 1), vector (length); with ``config.qc`` also
    focus, fold, bubble, pen and dust."""
    provenance: Provenance
    """Slide, spacing, tissue, model, settings, versions, bad regions and warnings."""
    tissue: list[Polygon] = field(default_factory=list)
    """Tissue outlines as [outer ring, hole, …], level-0 pixels (x, y)."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the slide vector, so that ``np.asarray(result)`` works."""
        # ``np.asarray`` of a slide without tissue must not become an array of an object.
        if self.vector is None:
            msg = f"Slide {self.slide_id} has no vector: {self.reason}."
            raise ValueError(msg)
        return np.array(self.vector, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        reason = f", {self.reason}" if self.reason else ""
        return f"SlideEmbedding({self.slide_id!r}, {self.status}{reason}, {self._patches()})"

    def _repr_html_(self) -> str:
        state = f"{self.status}: {self.reason}" if self.reason else self.status
        vector = "" if self.vector is None else f"{len(self.vector)} numbers"
        facts = {"status": state, "vector": vector, "patches": self._patches()}
        return html_table(
            f"SlideEmbedding {self.slide_id}", {**facts, **provenance_facts(self.provenance)}
        )

    def _patches(self) -> str:
        # A vector is made of patches: where there are none, their rows were not stored.
        is_left_out = self.vector is not None and not self.patches.num_rows
        return "patch rows not stored" if is_left_out else f"{self.patches.num_rows} patches"

    def plot(self, slide: str | os.PathLike[str]) -> "Figure":
        """Draw tissue, patches and attention over the slide, as ``write_overlay`` does.

        Parameters
        ----------
        slide : path
            The file that was encoded; its place is not in a result, as folders can name patients.

        Raises
        ------
        SlideError
            When it cannot be opened or read.
        """
        return drawn("slide", slide, self)

    def to_parquet(self, path: str | Path, *, patches: bool = True) -> Path:
        """Write one row to ``path``, atomically, and return the path.

        Parameters
        ----------
        path : path
            Should end in ``.parquet``.
        patches : bool
            False leaves out the patch rows: about 20 kB instead of 5 kB more per patch.

        Raises
        ------
        StoreError
            When the file cannot be written; an older one is then as it was.
        """
        row = {
            "slide_id": self.slide_id,
            "status": self.status,
            "reason": self.reason,
            "vector": self.vector,
            "n_patches": self.patches.num_rows,
            "tissue_area_mm2": self.provenance.tissue.area_mm2,
            "tissue_recall": self.provenance.tissue.tissue_recall,
            "n_bad_regions": len(self.provenance.bad_regions),
            "fingerprint": self.provenance.model.fingerprint,
        }
        metadata = {"provenance": self.provenance.model_dump_json(), "tissue": self.tissue}
        length = self.provenance.config.vector_length
        # ``n_patches`` stays in the row, so that a file without patches tells how many there were.
        kept = self.patches if patches else None
        return write_parquet(Path(path), row, kept, metadata, dim=length)

    @classmethod
    def from_parquet(cls, path: str | Path) -> "SlideEmbedding":
        """Read what ``to_parquet`` wrote; checksums of all pages are verified.

        Raises
        ------
        StoreCorruptError
            When bytes are damaged or missing.
        StoreSchemaError
            When the file is not one of ours, or of a newer version.
        """
        row, patches, metadata, _ = read_parquet(Path(path))
        try:
            provenance = Provenance.model_validate_json(metadata["provenance"])
        except ValidationError as error:
            msg = (
                f"{path} has a provenance that this version does not know ({error.error_count()} "
                "fields differ). Use the version that wrote it, or encode the slide again."
            )
            raise StoreSchemaError(msg) from error
        vector = row["vector"]
        return cls(
            slide_id=row["slide_id"],
            status=row["status"],
            reason=row["reason"],
            vector=None if vector is None else np.asarray(vector, np.float32),
            patches=no_patches(provenance.config) if patches is None else patches,
            provenance=provenance,
            tissue=[
                [[(x, y) for x, y in ring] for ring in polygon] for polygon in metadata["tissue"]
            ],
        )

    def to_geojson(self, path: str | Path) -> Path:
        """Write tissue outlines and patches as a QuPath GeoJSON FeatureCollection.

        Patches are tiles with the measurements weight, context_score, tile_score_1 and so on;
        QuPath opens the file by drag and drop.
        """
        return write_geojson(Path(path), self.patches, self.tissue)


def of_original(result: SlideEmbedding, stamp: FileStamp) -> SlideEmbedding:
    """Return the result of a copy as that of the slide at its address, which has this stamp."""
    provenance = result.provenance
    slide = provenance.slide.read_from(stamp)
    return replace(result, provenance=provenance.model_copy(update={"slide": slide}))


def no_patches(config: EncoderConfig) -> pa.Table:
    """Return a patch table without rows, of the kind that a model makes."""
    tiles, quality = config.patches.tiles_per_patch, config.qc is not None
    return patch_schema(config.vector_length, tiles, quality=quality).empty_table()
