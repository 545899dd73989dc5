"""Checks of identifiers: pure functions from lists of ids to issues.

An id is text and is compared as it is written.  Nothing here repairs one.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence

from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.issues import Issue, issue
from msfusion_sdk.tables.near_matches import near_matches

__all__ = ["MAX_ID_BYTES", "find_bad_ids", "find_unknown_ids", "find_repeated_ids"]

MAX_ID_BYTES = 200

# Control characters, soft hyphen, zero-width and direction marks, line and paragraph
# separators, byte order mark: none of them shows, and all of them keep ids from matching.
INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ud800-\udfff]"
)


def find_bad_ids(ids: Sequence[str | None], what: str) -> list[Issue]:
    """Return what keeps ``ids`` from being identifiers at all, duplicates apart.

    Parameters
    ----------
    what : str
        Whose ids they are, for the message: ``"patient ids of patients.csv"``.
    """
    blank = [row for row, name in enumerate(ids, 1) if name is None or not name.strip()]
    named = [name for name in ids if name and name.strip()]
    hidden = [name for name in named if INVISIBLE.search(name)]
    # A character has at most four bytes, so most ids need not be encoded to be measured.
    long = [
        name
        for name in named
        if 4 * len(name) > MAX_ID_BYTES and len(name.encode(errors="replace")) > MAX_ID_BYTES
    ]
    rows = ", ".join(map(str, blank[:3])) + (", …" if len(blank) > 3 else "")
    return [
        *issue(
            "IdType",
            len(blank),
            f"{len(blank)} of {len(ids)} {what} are blank (rows {rows}, counted from 1 below the "
            "header). Fill them in or delete the rows.",
        ),
        *issue(
            "IdType",
            len(hidden),
            f"{len(hidden)} of {len(ids)} {what} hold characters that do not show, such as tabs, "
            f"line breaks or zero-width spaces (first: {first_few(hidden)}). Retype them.",
        ),
        *issue(
            "IdType",
            len(long),
            f"{len(long)} of {len(ids)} {what} are longer than {MAX_ID_BYTES} bytes (first: "
            f"{first_few(name[:40] + '…' for name in long)}). Give shorter ones.",
        ),
        *_differ_by_case(named, what),
    ]


def find_repeated_ids(
    ids: Sequence[str], what: str, *, identical: int = 0, places: Sequence[str] | None = None
) -> list[Issue]:
    """Return an issue when an id occurs more than once.

    Parameters
    ----------
    identical : int
        Rows that repeat another one in every cell, and could be left out.
    places : sequence of str, optional
        Where each row leads, to be named beside the id: the path of a slide.
    """
    repeated = {name: n for name, n in Counter(ids).items() if n > 1}
    listed = []
    # Three examples: a message that lists thousands is not read.
    for name in list(repeated)[:3]:
        where = [place for other, place in zip(ids, places or (), strict=False) if other == name]
        listed.append(
            f"{name!r} {repeated[name]} times" + (f" ({first_few(where)})" if where else "")
        )
    remedies = []
    # Ids of their own would make two slides of one.
    if identical < sum(repeated.values()) - len(repeated):
        other = "Keep one row of each." if places is None else "Give every file an id of its own."
        remedies.append(other)
    if identical:
        remedies.append(
            f"{identical} rows are identical to another one: pass on_duplicate='drop_identical' "
            "(--on-duplicate drop_identical) to leave those out."
        )
    remedy = " ".join(remedies)
    message = f"{len(repeated)} {what} occur more than once (first: {', '.join(listed)}). {remedy}"
    return issue("DuplicateId", len(repeated), message)


def find_unknown_ids(
    ids: Sequence[str], known: Collection[str], what: str, where: str, *, is_error: bool = True
) -> list[Issue]:
    """Return an issue for the ``ids`` that ``known`` lacks, with what may be meant.

    Parameters
    ----------
    what, where : str
        Whose ids they are, and who lacks them: ``"patient ids of slides.csv"``, ``"the patient
        table"``.
    """
    # Each id once: a patient of ten slides is one patient who is missing.
    unique, wanted = list(dict.fromkeys(ids)), set(known)
    unmatched = [name for name in unique if name not in wanted]
    if not unmatched:
        return []
    head, examples = f"{len(unmatched)} of {len(unique)} {what} are", first_few(unmatched)
    if len(unmatched) == len(unique):
        head = f"All {len(unique)} {what} are"
        examples += f"; there the first is {first_few(known, 1)}"
    hints = "".join(f" {hint}." for hint in near_matches(unmatched, known))
    message = (
        f"{head} not in {where} (first: {examples}).{hints} "
        "Ids are compared as they are written: correct one of the tables."
    )
    return issue("IdMismatch", len(unmatched), message, is_error=is_error)


def _differ_by_case(ids: Sequence[str], what: str) -> list[Issue]:
    spellings: defaultdict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(ids):
        spellings[name.casefold()].append(name)
    groups = [names for names in spellings.values() if len(names) > 1]
    return issue(
        "DuplicateId",
        len(groups),
        f"{len(groups)} {what} occur in spellings that differ only by case (first: "
        f"{'; '.join(first_few(names) for names in groups[:3])}). Some disks take them for the "
        "same name: make them differ by more, or write one of them everywhere.",
    )
