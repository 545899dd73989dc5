"""The quality of the image of each patch, drawn over a slide."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from msfusion_sdk.config import QualityConfig
from msfusion_sdk.encoder.result.embedding import SlideEmbedding
from msfusion_sdk.slides.quality.patch_quality import PatchQuality, quality_factor

__all__ = ["draw_quality"]


def draw_quality(figure: Figure, axes: Axes, result: SlideEmbedding) -> None:
    """Colour every patch by its quality, 0 to 1, and hatch those that were left out.

    Parameters
    ----------
    figure, axes
        Where; the axes are in level-0 pixels.
    result : SlideEmbedding
        Whose patch table has the columns of quality.
    """
    config = result.provenance.config.qc or QualityConfig()
    columns = (result.patches.column(name).to_pylist() for name in PatchQuality._fields)
    values = [quality_factor(PatchQuality(*row), config) for row in zip(*columns, strict=True)]
    corners = (result.patches.column(name).to_numpy() for name in ("x", "y", "size_px"))
    squares = [Rectangle((x, y), size, size) for x, y, size in zip(*corners, strict=True)]
    heat = PatchCollection(squares, cmap="RdYlGn", alpha=0.55, linewidth=0)
    heat.set_array(np.asarray(values))
    heat.set_norm(Normalize(0, 1))
    axes.add_collection(heat)
    for bad in result.provenance.excluded:
        axes.add_patch(
            Rectangle((bad.x, bad.y), bad.size_px, bad.size_px, fill=False, color="red", hatch="//")
        )
    bar = figure.colorbar(heat, ax=axes, shrink=0.8, pad=0.01)
    bar.set_label("quality", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    left_out = len(result.provenance.excluded)
    note = f"; {left_out} left out (hatched)" if left_out else ""
    axes.set_title(f"quality: green is good{note}", fontsize=9, loc="left")
