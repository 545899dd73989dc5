"""Whether an outcome holds enough to learn from so many columns; a warning, not an error.

Ten events a candidate predictor is the old rule of thumb (Peduzzi et al., Journal of Clinical
Epidemiology 49 (1996) 1373-1379); penalised models need fewer, and no penalty makes a hundredth of
one enough (Riley et al., BMJ 368 (2020) m441).
"""

from collections.abc import Mapping

import pandas as pd

from msfusion_sdk.errors import MsfusionWarning
from msfusion_sdk.tables.frames import ID_COLUMN

__all__ = ["FewOutcomesWarning", "find_too_few"]

LEAST = 10
FAR_FEWER = 10
"""Columns per event (or patient of the rarest class) from which a warning is given."""


class FewOutcomesWarning(MsfusionWarning, UserWarning):
    """Too few events, or patients of a class, to trust what is learned."""


def find_too_few(scarcest: int, what: str, tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return warnings about outcomes that are scarce, alone or beside the columns.

    Parameters
    ----------
    scarcest : int
        Events, or patients of the rarest class.
    what : str
        What they are: "events", or "patients of class 'lusc'".
    tables : mapping of name to DataFrame indexed by patient_id
        From which is learned.
    """
    columns = {name: sum(c != ID_COLUMN for c in table.columns) for name, table in tables.items()}
    total = sum(columns.values())
    found = []
    if scarcest < LEAST:
        found.append(
            f"{scarcest} {what} are fewer than {LEAST}: what a model learns from them, and how "
            "good it seems, is mostly chance. Wait for more patients, or use it for trying out."
        )
    if total > FAR_FEWER * scarcest:
        listed = ", ".join(f"{name} {count}" for name, count in columns.items())
        found.append(
            f"{scarcest} {what} stand against {total} columns ({listed}): the penalty decides more "
            "than the data. Judge it by evaluate beside the single tables, and leave out what adds "
            "nothing (modalities=, --modalities)."
        )
    return found
