"""Pictures of results, drawn by ``msfusion_sdk.figures``: that room knows results, not they it.

Found by entry point, as adapters are, so that a result can name what stands above it.
"""

from typing import TYPE_CHECKING, Any

from msfusion_sdk.plugins import load_plugin

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["drawn"]

GROUP = "msfusion_sdk.plots"


def drawn(picture: str, *words: object, **named: object) -> "Figure":
    """Return a picture of a result.

    Parameters
    ----------
    picture : str
        Its entry point.
    *words, **named
        What the function behind it takes.

    Raises
    ------
    PluginError
        When none is registered, as in a copy of the package that was never installed.
    """
    draw, _ = load_plugin(GROUP, picture, "picture", "Install msfusion-sdk again.")
    figure: Any = draw(*words, **named)
    return figure  # type: ignore[no-any-return]
