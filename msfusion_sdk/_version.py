"""The version of the distribution, for whoever records what made a result."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["__version__"]

try:
    __version__ = version("msfusion-sdk")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+source"
