"""Words of messages: the first few of many, as they would be typed, and what something is."""

from collections.abc import Iterable, Sized
from os import PathLike

__all__ = ["first_few", "what_is"]

_LONGEST = 60


def first_few(values: Iterable[object], n: int = 3) -> str:
    """Return the first ``n`` values as they would be typed, for a message."""
    listed = list(values)
    return ", ".join(map(repr, listed[:n])) + (", …" if len(listed) > n else "")


def what_is(value: object) -> str:
    """Return what was given in a few words, with its size: ``an array of shape (60, 2)``."""
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, str | PathLike):
        text = str(value)
        return f"the text {text if len(text) <= _LONGEST else text[:_LONGEST] + '…'!r}"
    name = type(value).__name__
    name = "array" if name in ("ndarray", "recarray") else name
    named = f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"{named} of shape {tuple(map(int, shape))}"
    return f"{named} of {len(value)}" if isinstance(value, Sized) else named
