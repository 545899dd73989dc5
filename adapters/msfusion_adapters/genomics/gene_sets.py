"""Gene sets in GMT files, and one score per set and patient."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.errors import TableError
from msfusion_sdk.tables.files.content import read_content
from msfusion_sdk.tables.files.encoding import to_utf8

__all__ = ["membership", "read_gmt"]


def read_gmt(path: str | Path) -> dict[str, list[str]]:
    """Return the genes of each set of a GMT file: name, description, genes, between tabs.

    Raises
    ------
    TableError
        When the file cannot be read as text, a line has no gene, or a name occurs twice.
    """
    content = read_content(Path(path))
    if content.kind != "text":
        msg = f"{path} is no text file. Gene sets are read from GMT: name, description, genes."
        raise TableError(msg)
    sets: dict[str, list[str]] = {}
    text = to_utf8(Path(path), content.data, None).decode()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        name, *rest = line.split("\t")
        genes = [gene.strip() for gene in rest[1:] if gene.strip()]
        if not genes or name in sets:
            problem = "repeats a name" if name in sets else "has no gene"
            msg = f"{path}, line {number}: the set {name!r} {problem}. Is this a GMT file?"
            raise TableError(msg)
        sets[name] = genes
    return sets


def membership(
    sets: Mapping[str, Sequence[str]], genes: Sequence[str], min_coverage: float
) -> tuple[list[str], NDArray[np.float64]]:
    """Return the sets that are covered and the weights that average their genes.

    Parameters
    ----------
    sets : mapping of a set's name to its genes
    genes : columns of the expression table
    min_coverage : share of a set's genes, 0 to 1
        A set of which the table holds less is left out.

    Returns
    -------
    names : list of str, length set
    weights : shape (set, gene)
        Rows sum to 1; a gene outside the set has 0.

    Raises
    ------
    TableError
        When no set is covered.
    """
    place = {gene: column for column, gene in enumerate(genes)}
    names, rows = [], []
    for name, wanted in sets.items():
        unique = set(wanted)
        held = [place[gene] for gene in unique if gene in place]
        if held and len(held) >= min_coverage * len(unique):
            names.append(name)
            row = np.zeros(len(genes))
            # The mean of those that are there: absent genes must not pull a set towards 0.
            row[held] = 1 / len(held)
            rows.append(row)
    if not names:
        msg = (
            f"None of {len(sets)} gene sets has {min_coverage:.0%} of its genes among the "
            f"{len(genes)} columns (first: {', '.join(map(repr, list(genes)[:3]))}). Use the gene "
            "names of the sets, or a lower min_coverage."
        )
        raise TableError(msg)
    return names, np.array(rows)
