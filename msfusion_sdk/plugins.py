"""Entry points, through one door: found without importing, loaded by name.

Of other packages, and of the pictures of results: ``msfusion_sdk.figures`` knows results and draws
them, so that a result can name its pictures by entry point alone.
"""

from collections import defaultdict
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from msfusion_sdk.errors import PluginError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["drawn", "list_plugins", "load_plugin"]

PLOTS = "msfusion_sdk.plots"


def list_plugins(group: str, what: str) -> dict[str, str]:
    """Map each name of a group to the distribution that provides it; imports none of them.

    Parameters
    ----------
    group : str
        Of entry points.
    what : str
        Of what kind they are, for the message.

    Raises
    ------
    PluginError
        When two distributions claim one name; the message names both.
    """
    found = sorted(_registered(group).items())
    return {name: _origin(_only(name, entries, what)) for name, entries in found}


def load_plugin(group: str, name: str, what: str, remedy: str) -> tuple[Any, str]:
    """Return what is registered as ``name``, and its distribution.

    Parameters
    ----------
    group, what
        As in ``list_plugins``.
    remedy : str
        What to do about an unknown name, a sentence.

    Raises
    ------
    PluginError
        When nobody registered the name, two distributions did, or importing it fails.
    """
    registered = _registered(group)
    if name not in registered:
        known = ", ".join(sorted(registered)) or "none"
        msg = f"No {what} is registered as {name!r} (known: {known}). {remedy}"
        raise PluginError(msg)
    entry = _only(name, registered[name], what)
    try:
        return entry.load(), _origin(entry)
    except Exception as error:
        msg = (
            f"The {what} {name!r} of {_origin(entry)} cannot be loaded from {entry.value!r}: "
            f"{type(error).__name__}: {error}. Repair or uninstall that distribution."
        )
        raise PluginError(msg) from error


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
    draw, _ = load_plugin(PLOTS, picture, "picture", "Install msfusion-sdk again.")
    figure: Figure = draw(*words, **named)
    return figure


def _registered(group: str) -> dict[str, list[EntryPoint]]:
    found: dict[str, list[EntryPoint]] = defaultdict(list)
    for entry in entry_points(group=group):
        found[entry.name].append(entry)
    return found


def _only(name: str, entries: list[EntryPoint], what: str) -> EntryPoint:
    if len(entries) > 1:
        owners = " and ".join(f"{_origin(entry)} ({entry.value})" for entry in entries)
        msg = f"The {what} name {name!r} is claimed by {owners}. Uninstall all but one of them."
        raise PluginError(msg)
    return entries[0]


def _origin(entry: EntryPoint) -> str:
    """Return ``acme-radiology 0.1``."""
    distribution = entry.dist
    return f"{distribution.name} {distribution.version}" if distribution else "an unnamed package"
