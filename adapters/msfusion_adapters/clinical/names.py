"""Columns whose names give away what they are: the outcome, or the place of treatment."""

import re

from msfusion_sdk.tables.cells.dates import words_of

__all__ = ["is_after_baseline", "is_site"]

_OUTCOME_WORDS = frozenset(
    [
        *("os", "dss", "pfi", "pfs", "dfi", "dfs", "rfs", "efs", "ttp", "survival", "event"),
        *("death", "died", "dead", "deceased", "alive", "vital", "censor", "cens", "censored"),
        *("censoring", "censorship", "recurrence", "recurred", "relapse", "relapsed"),
        *("progression", "progressed", "treatment", "treatments", "therapy", "therapies"),
        *("chemotherapy", "radiotherapy", "immunotherapy", "residual", "followup", "fu"),
        *("fustat", "futime", "outcome"),
    ]
)
_OUTCOME_PHRASES = re.compile(
    r"\b(?:(?:tumou?r|cancer|disease) status|new tumou?r|follow up|last contact|last seen|last fu"
    r"|last known alive|days? to (?:death|last|event|progression|recurrence|relapse))\b"
)
_TIME = re.compile(
    r"(?:(?:overall|study|obs|observation|total) )?time(?: in)?(?: (?:days|weeks|months|years))?"
)
_SITES = re.compile(
    r"\b(?:hospitals?|cent(?:er|re)s?|institut(?:ion|e)s?|clinic|klinik|tss|scanner|batch|plate"
    r"|(?:source|study|treating|treatment|enrol+ing|recruiting) sites?"
    r"|sites? (?:ids?|codes?|no|nr|numbers?))\b"
)
# The site of a tumour in the body is no hospital.
_NO_SITE = re.compile(r"\b(?:tumou?r|primary|anatomic\w*|disease|metasta\w+|biopsy|onco\w*|icd)\b")


def is_after_baseline(name: str) -> bool:
    """Return whether a column is, by its name, known only after the start of follow-up.

    Examples
    --------
    >>> names = ("OS.time", "VitalStatus", "daysToDeath", "er_status", "centimeters", "age")
    >>> [name for name in names if is_after_baseline(name)]
    ['OS.time', 'VitalStatus', 'daysToDeath']
    """
    words = words_of(name)
    text = " ".join(words)
    return bool(
        _OUTCOME_WORDS.intersection(words) or _OUTCOME_PHRASES.search(text) or _TIME.fullmatch(text)
    )


def is_site(name: str) -> bool:
    """Return whether a column says, by its name, where a patient was treated or a slide made.

    Examples
    --------
    >>> names = ("hospital", "tissue_source_site", "SiteID", "primary_site", "icd_o_3_site_code")
    >>> [name for name in names if is_site(name)]
    ['hospital', 'tissue_source_site', 'SiteID']
    """
    text = " ".join(words_of(name))
    return bool(_SITES.search(text)) and not _NO_SITE.search(text)
