"""Packages that only some users need: imported when they are used, and named when they lack."""

from importlib import import_module
from typing import Any

from msfusion_sdk.errors import MissingExtraError

__all__ = ["import_extra", "missing_extra"]


def import_extra(module: str, extra: str, purpose: str, otherwise: str = "") -> Any:
    """Return a module that an extra of this distribution brings.

    Parameters
    ----------
    module : str
        What is imported.
    extra : str
        The name in ``pip install "msfusion-sdk[extra]"``.
    purpose : str
        What it is needed for, the beginning of a sentence: ``"Encoding with Ray"``.
    otherwise : str
        What can be done without it, the end of that sentence.

    Raises
    ------
    MissingExtraError
        With the command that installs it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise missing_extra(module, extra, purpose, otherwise) from error


def missing_extra(
    module: str | None, extra: str, purpose: str, otherwise: str = ""
) -> MissingExtraError:
    """Return the error that says how to install ``module``; arguments as of ``import_extra``."""
    remedy = f'Install it with: pip install "msfusion-sdk[{extra}]"'
    return MissingExtraError(
        f"{purpose} needs {module!r}, which is not installed. {remedy}"
        + (f", or {otherwise}." if otherwise else ".")
    )
