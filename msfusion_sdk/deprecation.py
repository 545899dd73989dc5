"""How a documented name leaves: it works and warns for one minor release, and says what to use."""

import warnings
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from msfusion_sdk.errors import MsfusionWarning

__all__ = ["MsfusionDeprecationWarning", "deprecated", "renamed_argument", "warn_of"]

P = ParamSpec("P")
R = TypeVar("R")


class MsfusionDeprecationWarning(MsfusionWarning, DeprecationWarning):
    """A name or an argument that works for one more minor release, with what to write instead."""


def deprecated(
    *, since: str, removal: str, instead: str
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator of functions and classes that are about to leave.

    Parameters
    ----------
    since, removal : str
        Versions: the first that warns, and the one in which the name is gone.
    instead : str
        What to write, the end of a sentence that begins with "Use".

    Warns
    -----
    MsfusionDeprecationWarning
        At every call, naming the line that makes it.

    Examples
    --------
    >>> @deprecated(since="0.2", removal="0.3", instead="area_mm2(slide)")
    ... def area(slide): ...
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def warned(*args: P.args, **kwargs: P.kwargs) -> R:
            warn_of(f"{function.__name__}()", since, removal, instead)
            return function(*args, **kwargs)

        return warned

    return decorate


def renamed_argument(
    old: str, new: str, *, since: str, removal: str
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that still takes the keyword ``old`` and passes it on as ``new``.

    Parameters
    ----------
    old, new : str
        The name it had and the one it has; the decorated function knows ``new`` only.
    since, removal : str
        As of :func:`deprecated`.

    Raises
    ------
    TypeError
        When both are given.

    Warns
    -----
    MsfusionDeprecationWarning
        When ``old`` is given.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def warned(*args: P.args, **kwargs: P.kwargs) -> R:
            if old in kwargs:
                if new in kwargs:
                    msg = f"{function.__name__}() got {new}= and its old name {old}=. Give {new}=."
                    raise TypeError(msg)
                warn_of(f"{old}= of {function.__name__}()", since, removal, f"{new}=")
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return warned

    return decorate


def warn_of(what: str, since: str, removal: str, instead: str) -> None:
    """Warn at the caller's caller that ``what`` is about to leave."""
    msg = f"{what} is deprecated since {since} and leaves with {removal}. Use {instead}."
    warnings.warn(msg, MsfusionDeprecationWarning, stacklevel=3)
