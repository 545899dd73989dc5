"""Words of messages: the first few of many, as they would be typed."""

from collections.abc import Iterable

__all__ = ["first_few"]


def first_few(values: Iterable[object], n: int = 3) -> str:
    """Return the first ``n`` values as they would be typed, for a message."""
    listed = list(values)
    return ", ".join(map(repr, listed[:n])) + (", …" if len(listed) > n else "")
