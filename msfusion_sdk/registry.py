"""Find modality adapters by entry point: ours and those of other packages, through one door.

A package registers its adapters in its ``pyproject.toml``::

    [project.entry-points."msfusion_sdk.adapters"]
    radiology = "acme_radiology:RadiologyAdapter"
"""

from collections import defaultdict
from importlib.metadata import EntryPoint, entry_points

from msfusion_sdk.adapter import ModalityAdapter
from msfusion_sdk.errors import PluginError

__all__ = ["GROUP", "list_adapters", "load_adapter"]

GROUP = "msfusion_sdk.adapters"


def list_adapters() -> dict[str, str]:
    """Map the name of each adapter to the distribution that provides it; imports none of them.

    Raises
    ------
    PluginError
        When two distributions claim one name; the message names both.
    """
    return {name: _origin(_only(name, found)) for name, found in sorted(_registered().items())}


def load_adapter(name: str) -> type[ModalityAdapter]:
    """Return the adapter class registered as ``name``.

    Raises
    ------
    PluginError
        When nobody registered the name, when two distributions did, when importing it fails,
        or when it is no :class:`~msfusion_sdk.adapter.ModalityAdapter`.  Other adapters
        still load.
    """
    registered = _registered()
    if name not in registered:
        msg = (
            f"No adapter is registered for modality {name!r} (known: "
            f"{', '.join(sorted(registered))}). Install the package that provides it, or add an "
            f"entry point in the group {GROUP!r}; see docs/adapters.md."
        )
        raise PluginError(msg)
    entry = _only(name, registered[name])
    try:
        adapter = entry.load()
    except Exception as error:
        msg = (
            f"The adapter {name!r} of {_origin(entry)} cannot be loaded from {entry.value!r}: "
            f"{type(error).__name__}: {error}. Repair or uninstall that distribution."
        )
        raise PluginError(msg) from error
    if not (isinstance(adapter, type) and issubclass(adapter, ModalityAdapter)):
        msg = (
            f"The adapter {name!r} of {_origin(entry)} is {adapter!r}, and must be a subclass of "
            "msfusion_sdk.adapter.ModalityAdapter."
        )
        raise PluginError(msg)
    return adapter


def _registered() -> dict[str, list[EntryPoint]]:
    found: dict[str, list[EntryPoint]] = defaultdict(list)
    for entry in entry_points(group=GROUP):
        found[entry.name].append(entry)
    return found


def _only(name: str, entries: list[EntryPoint]) -> EntryPoint:
    if len(entries) > 1:
        owners = " and ".join(f"{_origin(entry)} ({entry.value})" for entry in entries)
        msg = f"The adapter name {name!r} is claimed by {owners}. Uninstall all but one of them."
        raise PluginError(msg)
    return entries[0]


def _origin(entry: EntryPoint) -> str:
    """Return ``acme-radiology 0.1``."""
    distribution = entry.dist
    return f"{distribution.name} {distribution.version}" if distribution else "an unnamed package"
