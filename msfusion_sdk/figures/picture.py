"""A figure that notebooks show by itself, whether pyplot was imported or not."""

from io import BytesIO

from matplotlib.figure import Figure

from msfusion_sdk.figures.style import DPI

__all__ = ["Picture"]


class Picture(Figure):
    """A matplotlib figure as any other; nothing is shown on a screen."""

    def _repr_png_(self) -> bytes:
        data = BytesIO()
        # Some texts stand beside the axes, beyond the edge of the figure.
        self.savefig(data, format="png", dpi=DPI, bbox_inches="tight")
        return data.getvalue()
