"""Networks of other packages, found by entry point; importing none until one is asked for.

A package registers a network in its ``pyproject.toml``::

    [project.entry-points."msfusion_sdk.networks"]
    acme-net = "acme_networks:AcmeNet"

The value is a class or function that takes no argument and returns a
:class:`~msfusion_sdk.encoder.FeatureNetwork` with its weights.
"""

from msfusion_sdk.encoder.networks.contract import FeatureNetwork
from msfusion_sdk.errors import PluginError
from msfusion_sdk.plugins import list_plugins, load_plugin

__all__ = ["GROUP", "list_networks", "load_network"]

GROUP = "msfusion_sdk.networks"


def list_networks() -> dict[str, str]:
    """Map the name of each network of another package to the distribution that provides it.

    Raises
    ------
    PluginError
        When two distributions claim one name; the message names both.
    """
    return list_plugins(GROUP, "network")


def load_network(name: str) -> FeatureNetwork:
    """Return the network registered as ``name``.

    Raises
    ------
    PluginError
        When nobody registered the name, two distributions did, or it cannot be made.
    """
    remedy = f"Install the package that provides it; see {GROUP!r} in docs/networks.md."
    make, origin = load_plugin(GROUP, name, "network", remedy)
    try:
        network = make()
    except Exception as error:
        msg = f"The network {name!r} of {origin} cannot be made: {type(error).__name__}: {error}."
        raise PluginError(msg) from error
    if not isinstance(network, FeatureNetwork):
        msg = (
            f"The network {name!r} of {origin} is {type(network).__name__}, and must be a "
            "msfusion_sdk.encoder.FeatureNetwork."
        )
        raise PluginError(msg)
    return network
