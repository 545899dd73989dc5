"""What a parser hands on: drawings as the file holds them, not yet checked."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Contents", "Drawing", "text_or_none"]


@dataclass(frozen=True)
class Drawing:
    """One object of the file whose outline encloses an area."""

    element: str
    """Where in the file it stands, for people; unique."""
    parts: Any
    """[[outer ring, hole, …], …], rings of (x, y).  Unchecked: whatever the file held there."""
    class_name: str | None = None
    name: str | None = None
    id: str | None = None
    even_odd: bool = False
    """True when a ring inside a ring is a hole, whichever part it is."""
    layer: str = ""
    is_hole: bool = False
    """True when it is cut out of the other drawings of its layer."""


@dataclass
class Contents:
    """Everything a parser found in a file."""

    dialect: str
    drawings: list[Drawing] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    """Kinds of objects that are no outlines."""
    faults: list[str] = field(default_factory=list)
    """Sentences on objects that cannot be understood, each beginning with the element."""


def text_or_none(value: object) -> str | None:
    """Return a text without the space around it; None for blanks and for other things."""
    return (value.strip() or None) if isinstance(value, str) else None
