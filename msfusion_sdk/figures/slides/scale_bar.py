"""A scale bar of a round length."""

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

__all__ = ["bar_length_um", "draw_scale_bar"]

_LENGTHS_UM = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)


def bar_length_um(width_um: float) -> int:
    """Return the longest round length that fits in a third of the width.

    Examples
    --------
    >>> bar_length_um(288)
    50
    """
    return max(step for step in _LENGTHS_UM if step <= max(1.0, width_um / 3))


def draw_scale_bar(axes: Axes, width: float, height: float, mpp: float) -> None:
    """Draw the bar into the lower left corner of a picture in level-0 pixels.

    Parameters
    ----------
    width, height : float
        Of the picture, level-0 pixels.
    mpp : float
        µm per pixel of level 0.
    """
    length_um = bar_length_um(width * mpp)
    x, y = 0.04 * width, 0.95 * height
    end = x + length_um / mpp
    # Black with a white rim stands out from glass and from dark tissue.
    halo = [withStroke(linewidth=5, foreground="white")]
    axes.plot(
        [x, end], [y, y], color="black", linewidth=2.5, solid_capstyle="butt", path_effects=halo
    )
    halo = [withStroke(linewidth=2.5, foreground="white")]
    axes.annotate(
        f"{length_um} µm",
        ((x + end) / 2, y),
        xytext=(0, 4),
        textcoords="offset points",
        fontsize=8,
        ha="center",
        va="bottom",
        path_effects=halo,
        annotation_clip=False,
    )
