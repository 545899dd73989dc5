"""Why ids of two tables do not match although they may mean the same: suggestions only.

``P7`` and ``p007`` may be one patient or two, which only the owner of the tables knows.  So
nothing here changes an id.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from itertools import takewhile

__all__ = ["near_matches"]

Rule = Callable[[str], str]

TCGA_PATIENT = re.compile(r"(TCGA-[A-Z0-9]{2}-[A-Z0-9]{4})-.*", re.IGNORECASE)
ZEROS_BEFORE_DIGITS = re.compile(r"(?<!\d)0+(?=\d)")
FLOAT_ENDING = re.compile(r"(?<=\d)\.0+$")

SIMPLE: tuple[tuple[str, Rule], ...] = (
    ("spaces around it were removed", str.strip),
    ("case were ignored", str.casefold),
    ("leading zeros were ignored", lambda name: ZEROS_BEFORE_DIGITS.sub("", name)),
    ("an ending '.0' were removed", lambda name: FLOAT_ENDING.sub("", name)),
    ("TCGA barcodes were cut after the patient", lambda name: TCGA_PATIENT.sub(r"\1", name)),
    ("accents were written alike", lambda name: unicodedata.normalize("NFC", name)),
)


def near_matches(unmatched: Sequence[str], known: Collection[str]) -> list[str]:
    """Return a sentence for every simple difference that keeps ids from matching.

    Parameters
    ----------
    unmatched : sequence of str
        Ids that ``known`` lacks.
    known : collection of str
        Unique ids.

    Examples
    --------
    >>> near_matches(["p1", "X2"], ["P1", "P2"])
    ["1 would match if case were ignored ('p1' may be 'P1')"]
    """
    found = [(words, _pairs(unmatched, known, rule, rule)) for words, rule in SIMPLE]
    shorter = _without_prefix(unmatched), _without_prefix(known)
    prefix = "a prefix that all ids of a table share were removed"
    found.append((prefix, _pairs(unmatched, known, *shorter)))
    together = _pairs(unmatched, known, _all_simple, _all_simple)
    # Only where it explains more than any single difference.
    if len(together) > max(len(pairs) for _, pairs in found):
        found.append(("several of these were done at once", together))
    return [
        f"{len(pairs)} would match if {words} ({pairs[0][0]!r} may be {pairs[0][1]!r})"
        for words, pairs in found
        if pairs
    ]


def _all_simple(name: str) -> str:
    for _, rule in SIMPLE:
        name = rule(name)
    return name


def _without_prefix(ids: Collection[str]) -> Rule:
    if len(ids) < 2:
        return lambda name: name
    # What the first and the last in alphabetical order share, all in between share.
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(min(ids), max(ids), strict=False))
    # Digits belong to the number and not to the prefix: P10 and P11 share "P", not "P1".
    shared = "".join(letter for letter, _ in pairs).rstrip("0123456789")
    return lambda name: name.removeprefix(shared)


def _pairs(
    unmatched: Sequence[str], known: Collection[str], of_unmatched: Rule, of_known: Rule
) -> list[tuple[str, str]]:
    # Of several that become alike the last stands for all: it is an example, no join.
    by_rule = {of_known(name): name for name in known}
    found = ((name, by_rule.get(of_unmatched(name))) for name in unmatched)
    return [(name, other) for name, other in found if other is not None]
