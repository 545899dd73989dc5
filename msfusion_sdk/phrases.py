"""Words of messages and of objects: a few of many, what something is, a line or a small table."""

from collections.abc import Iterable, Mapping, Sized
from html import escape
from os import PathLike

__all__ = ["first_few", "html_table", "one_line", "shortened", "what_is"]

_LONGEST = 60
_LEFT = ' style="text-align:left"'


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
        return f"the text {shortened(str(value), _LONGEST)!r}"
    name = type(value).__name__
    name = "array" if name in ("ndarray", "recarray") else name
    named = f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"{named} of shape {tuple(map(int, shape))}"
    return f"{named} of {len(value)}" if isinstance(value, Sized) else named


def one_line(kind: str, facts: Iterable[str]) -> str:
    """Return ``Kind(fact, fact)``; facts that are empty are left out.

    Parameters
    ----------
    kind : str
        The name of the class.
    facts : iterable of str
        A line break in one of them becomes a blank.
    """
    return f"{kind}({', '.join(' '.join(fact.split()) for fact in facts if fact)})"


def html_table(heading: str, facts: Mapping[str, str]) -> str:
    """Return a heading and a row per fact, for ``_repr_html_``; facts that are empty are left out.

    Parameters
    ----------
    heading : str
    facts : mapping of name to text
        None of it is taken for HTML.
    """
    rows = "".join(
        f"<tr><th{_LEFT}>{escape(name)}</th><td{_LEFT}>{escape(text)}</td></tr>"
        for name, text in facts.items()
        if text
    )
    return f"<div><strong>{escape(heading)}</strong><table><tbody>{rows}</tbody></table></div>"


def shortened(text: str, longest: int = 40) -> str:
    """Return a text that is cut where it is longer."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
