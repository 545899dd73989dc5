"""Columns whose names give away what they are: the outcome, or the place of treatment."""

import re

from msfusion_sdk.tables.cells.dates import words_of

__all__ = ["is_after_baseline", "is_site"]

_OUTCOME_WORDS = frozenset(
    [
        *("os", "dss", "pfi", "pfs", "dfi", "dfs", "rfs", "efs", "ttp", "ttd", "tte", "css"),
        *("dmfs", "drfs", "lrfs", "survival", "surv", "event", "death", "died", "dead", "deceased"),
        *("dod", "expired", "mortality", "alive", "censor", "cens", "censored", "censoring"),
        *("censorship", "recurrence", "recurred", "relapse", "relapsed", "progression"),
        *("progressed", "treatment", "treatments", "therapy", "therapies", "chemotherapy"),
        *("radiotherapy", "immunotherapy", "residual", "followup", "fu", "ltfu", "outcome"),
    ]
)
# Parts of a name that is written as one word, as SAS and R have them, and of German compounds.
_OUTCOME_STEMS = re.compile(
    r"surv(?:ival)?(?:time|stat(?:us)?|days|months|mos|years)$|vitalstat|deathdate|eventtime"
    r"|^(?:fu|rfs|dfs|pfs|os)(?:stat(?:us)?|time)$|^dth(?:dt|fl)?$|lastalive|losttofu"
    r"|ue?berleb|verstorben|gestorben|^tod(?:es|$)|^sterb|nachbeobacht|rezidivfrei|rezidivzeit"
    r"|progressionsfrei|krankheitsfrei|zensier"
)
_OUTCOME_ELSEWHERE = frozenset(
    [
        *(
            "rezidiv",
            "rezidive",
            "survie",
            "deces",
            "decede",
            "mort",
            "vivant",
            "suivi",
            "recidive",
        ),
        *(
            "rechute",
            "censure",
            "supervivencia",
            "muerte",
            "fallecido",
            "fallecimiento",
            "recidiva",
        ),
        *("seguimiento", "sopravvivenza", "decesso", "morte", "deceduto", "sobrevida", "obito"),
        *("overleving", "overleden"),
    ]
)
"""German, French, Spanish, Italian, Portuguese and Dutch, without accents."""
_OUTCOME_PHRASES = re.compile(
    r"\b(?:(?:tumou?r|cancer|disease) status|new tumou?r|follow up|last contact|last seen|last fu"
    r"|last known alive|days? to (?:death|last|event|progression|recurrence|relapse)"
    r"|vital (?:stat|status)|statut vital|estado vital|vital$)\b"
)
# The chance of dying of one's relatives, or what the kidneys still do, is known in advance.
_NO_OUTCOME = re.compile(
    r"\bfamily\b|\bresidual (?:\w+ )?(?:function|volume|capacity|urine)\b|\brisk score$"
)
_TIME = re.compile(
    r"(?:(?:overall|study|obs|observation|total) )?time(?: in)?(?: (?:days|weeks|months|years))?"
)
_SITES = re.compile(
    r"\b(?:hospitals?|cent(?:er|re)s?|institut(?:ion|e)s?|clinic|klinik(?:um|en)?|tss|scanner|batch"
    r"|plate|(?:source|study|treating|treatment|enrol+ing|recruiting) sites?"
    r"|sites? (?:ids?|codes?|no|nr|numbers?)|facilit(?:y|ies)|registry"
    r"|krankenha(?:us|user)|\w*zentrum|standort|hopital|hopitaux|ospedale|ziekenhuis|centro)\b"
)
# The site of a tumour in the body is no hospital.
_NO_SITE = re.compile(
    r"\b(?:tumou?r|primary|anatomic\w*|disease|metasta\w+|biopsy|onco\w*|icd|percent)\b"
)


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
    if _NO_OUTCOME.search(text):
        return False
    return bool(
        (_OUTCOME_WORDS | _OUTCOME_ELSEWHERE).intersection(words)
        # Also whole, since capitals do not always begin a word: FUtime.
        or any(_OUTCOME_STEMS.search(word) for word in (*words, "".join(words)))
        or _OUTCOME_PHRASES.search(text)
        or _TIME.fullmatch(text)
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
