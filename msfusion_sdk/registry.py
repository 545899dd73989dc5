"""Find modality adapters by entry point: ours and those of other packages, through one door.

A package registers its adapters in its ``pyproject.toml``::

    [project.entry-points."msfusion_sdk.adapters"]
    radiology = "acme_radiology:RadiologyAdapter"
"""

from msfusion_sdk.adapter import ModalityAdapter
from msfusion_sdk.errors import PluginError
from msfusion_sdk.plugins import list_plugins, load_plugin

__all__ = ["GROUP", "list_adapters", "load_adapter"]

GROUP = "msfusion_sdk.adapters"


def list_adapters() -> dict[str, str]:
    """Map the name of each adapter to the distribution that provides it; imports none of them.

    Raises
    ------
    PluginError
        When two distributions claim one name; the message names both.
    """
    return list_plugins(GROUP, "adapter")


def load_adapter(name: str) -> type[ModalityAdapter]:
    """Return the adapter class registered as ``name``.

    Raises
    ------
    PluginError
        When nobody registered the name, when two distributions did, when importing it fails,
        or when it is no :class:`~msfusion_sdk.adapter.ModalityAdapter`.  Other adapters
        still load.
    """
    remedy = (
        "Install the package that provides it, or add an entry point in the group "
        f"{GROUP!r}; see docs/adapters.md."
    )
    adapter, origin = load_plugin(GROUP, name, "adapter", remedy)
    if not (isinstance(adapter, type) and issubclass(adapter, ModalityAdapter)):
        msg = (
            f"The adapter {name!r} of {origin} is {adapter!r}, and must be a subclass of "
            "msfusion_sdk.adapter.ModalityAdapter."
        )
        raise PluginError(msg)
    return adapter
