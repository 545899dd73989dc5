"""What the encoder saw on a slide, as numbers that a page can draw."""

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex

from msfusion_sdk.cohort.export.patch_features import Places
from msfusion_sdk.encoder.result.embedding import SlideEmbedding
from msfusion_sdk.encoder.result.patch_weights import relative_weights
from msfusion_sdk.errors import StoreError, TableError
from msfusion_sdk.slides.files.stamp import FileStamp
from msfusion_sdk.view.catalog import ListedSlide

__all__ = ["attention_of"]

COLOURS = [to_hex(colormaps["viridis"](place)) for place in np.linspace(0, 1, 64)]


def attention_of(listed: ListedSlide, stamp: FileStamp, mpp: float | None = None) -> dict[str, Any]:
    """Return patches with scores and weights, tissue outlines and what there is to say.

    Parameters
    ----------
    stamp : FileStamp
        Of the slide as it is now, with all its files: a result of other files is not drawn.
    mpp : float, optional
        µm per pixel of level 0; None when it is not known.

    Returns
    -------
    dict
        ``patches``: a list per column of the patch table, and ``relative``, the weight of each
        tile divided by the mean of all tiles; level-0 pixels.  ``tissue``: rings of (x, y).
        ``bad``: [x, y, size] of what could not be read.  ``reach``: the colours span 1 ± this.
        ``note``: why there is no heatmap, '' when there is one; ``command``: what makes it.
    """
    if listed.load is None:
        return _nothing("No heatmap: the slide has no stored result.", listed.how_to_encode)
    try:
        result = listed.load()
    except StoreError as error:
        return _nothing(f"No heatmap: {listed.without_folder(str(error))}")
    except ValueError:
        # What pydantic raises for features that were imported.
        return _nothing("No heatmap: the stored vector is of imported features without patches.")
    if isinstance(result, Places):
        return _of_attached(result, mpp)
    # Weights of an old picture on a new one look right and are wrong.
    if not result.provenance.slide.is_of(stamp):
        return _nothing(
            "No heatmap: the slide file has changed since it was encoded, and the stored result "
            "may not fit.",
            listed.how_to_encode,
        )
    return _drawn(listed, result)


def _of_attached(found: Places, mpp: float | None) -> dict[str, Any]:
    """Return patches of another program's features; in the plain mean all weigh the same."""
    try:
        corners, size = found.in_pixels(mpp)
    except TableError as error:
        return _nothing(f"No heatmap: {error}")
    count = len(corners)
    edge = max(1, round(size))
    same = [0.5] * count
    patches = {
        "x": np.rint(corners[:, 0]).astype(int).tolist(),
        "y": np.rint(corners[:, 1]).astype(int).tolist(),
        "size_px": [edge] * count,
        "context_score": same,
        "tile_scores": [[0.5]] * count,
        "weight": [1 / count] * count,
        "relative": [[1.0]] * count,
    }
    return {**_nothing(""), "patches": patches, "reach": 0.1}


def _drawn(listed: ListedSlide, result: SlideEmbedding) -> dict[str, Any]:
    patches: dict[str, Any] = {}
    reach, note, command = 0.0, "", ""
    if result.patches.num_rows:
        relative, reach = relative_weights(result)
        columns = ("x", "y", "size_px", "context_score", "tile_scores", "weight")
        patches = {name: result.patches.column(name).to_pylist() for name in columns}
        patches["relative"] = relative.tolist()
    elif result.status == "empty":
        note = f"No heatmap: {result.reason}"
    else:
        note, command = "No heatmap: the patches were not stored.", listed.how_to_encode
    return {
        "patches": patches,
        "tissue": [ring for polygon in result.tissue for ring in polygon],
        "bad": [[bad.x, bad.y, bad.size_px] for bad in result.provenance.bad_regions],
        "reach": reach,
        "colours": COLOURS,
        "note": note,
        "command": command,
    }


def _nothing(note: str, command: str = "") -> dict[str, Any]:
    empty: dict[str, Any] = {"patches": {}, "tissue": [], "bad": [], "reach": 0.0}
    return {**empty, "colours": COLOURS, "note": note, "command": command}
