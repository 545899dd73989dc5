"""Gene matrices as people have them, turned into a row per patient and a column per gene.

The layout is stated, never guessed: a square matrix looks the same from both sides.
Nothing here looks from one patient at another, so it is done before any fold is cut.
"""

import logging
import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from msfusion_sdk.errors import TableError
from msfusion_sdk.tables.frames import patient_table

__all__ = [
    "from_cbioportal",
    "from_genes_by_patients",
    "from_xena",
    "choose_samples",
    "tcga_patients",
]

_LOG = logging.getLogger(__name__)

_BARCODE = re.compile(r"(TCGA-\w{2}-\w{4})(?:-(\d{2})\w?.*)?", re.ASCII)
_DESCRIPTIONS = ("Hugo_Symbol", "Entrez_Gene_Id", "Cytoband")

SAMPLE_TYPES = ("01", "03", "09", "06", "02")
"""Primary tumour, blood cancers, metastasis, recurrence: in the order they are preferred.
Normal tissue (10 to 14) and cell lines are never taken."""


def from_genes_by_patients(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row per patient from gene names in the first column and a column per patient.

    Raises
    ------
    TableError
        When a cell beside the names is not numeric.
    """
    return _turned(table.iloc[:, 0].astype("string"), table.iloc[:, 1:])


def from_xena(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row per patient from a UCSC Xena matrix: genes down, TCGA samples across."""
    return tcga_patients(from_genes_by_patients(table))


def from_cbioportal(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row per patient from cBioPortal's ``data_mrna_*.txt`` or ``data_cna.txt``.

    A gene without a Hugo symbol is called ``entrez:<number>``; one without either name is
    left out.

    Raises
    ------
    TableError
        When there is neither ``Hugo_Symbol`` nor ``Entrez_Gene_Id``.
    """
    described = [name for name in _DESCRIPTIONS if name in table.columns]
    if not {"Hugo_Symbol", "Entrez_Gene_Id"} & set(described):
        first = ", ".join(map(repr, table.columns[:3]))
        msg = f"No column Hugo_Symbol or Entrez_Gene_Id (found: {first} …): not from cBioPortal."
        raise TableError(msg)
    empty = pd.Series(pd.NA, table.index, dtype="string")
    symbols = table.get("Hugo_Symbol", empty).astype("string").str.strip()
    numbers = pd.to_numeric(table.get("Entrez_Gene_Id", empty)).astype("Int64").astype("string")
    genes = symbols.mask(symbols == "").fillna("entrez:" + numbers)
    return tcga_patients(_turned(genes, table.drop(columns=described)))


def tcga_patients(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per patient from a table indexed by samples; see :func:`choose_samples`."""
    chosen = choose_samples(table.index)
    kept = table.loc[table.index.isin(list(chosen))]
    kept.index = pd.Index([chosen[sample] for sample in kept.index], dtype=object)
    return patient_table(kept)


def choose_samples(samples: Iterable[str]) -> dict[str, str]:
    """Map one TCGA sample of each patient to the patient.

    A patient is the first 12 characters of a barcode, a sample type characters 14 and 15.  Of
    a patient's samples the one whose type comes first in ``SAMPLE_TYPES`` is taken, and among
    several of that type the first in alphabetical order (vial A before B); the others are
    left out and counted in the log.  Ids that are no TCGA barcode are patients already.
    """
    rank = {kind: place for place, kind in enumerate(SAMPLE_TYPES)}
    best: dict[str, tuple[int, str]] = {}
    every = list(dict.fromkeys(samples))
    for sample in every:
        match = _BARCODE.fullmatch(sample)
        patient, kind = match.groups() if match else (sample, None)
        place = 0 if kind is None else rank.get(kind, len(rank))
        if place < len(rank):
            best[patient] = min(best.get(patient, (place, sample)), (place, sample))
    if len(best) < len(every):
        message = "%d of %d samples left out: not tumour, or not the first of their patient."
        _LOG.info(message, len(every) - len(best), len(every))
    return {sample: patient for patient, (_, sample) in best.items()}


def _turned(genes: pd.Series, values: pd.DataFrame) -> pd.DataFrame:
    """Return patients down and genes across; rows of one gene are averaged per patient."""
    wrong = [name for name in values.columns if not pd.api.types.is_numeric_dtype(values[name])]
    if wrong:
        first = ", ".join(f"{name!r} ({values[name].iloc[0]!r})" for name in wrong[:3])
        msg = (
            f"{len(wrong)} of {values.shape[1]} columns beside the gene names are not numeric "
            f"(first: {first}). State the layout of the file; see GenomicsAdapter."
        )
        raise TableError(msg)
    named = genes.notna() & (genes.str.strip() != "")
    if not named.all():
        _LOG.info("%d of %d rows left out: no gene name.", int((~named).sum()), len(named))
    kept = genes[named].str.strip().to_numpy(object)
    numbers = values[named.to_numpy(bool)].to_numpy(np.float64)
    matrix = pd.DataFrame(numbers, pd.Index(kept, dtype=object), values.columns)
    if not matrix.index.is_unique:
        repeated = int(matrix.index.duplicated().sum())
        _LOG.info("%d rows repeat a gene name and are averaged within each patient.", repeated)
        matrix = matrix.groupby(level=0, sort=False).mean()
    turned = matrix.T
    turned.index = turned.index.astype(object)
    return patient_table(turned)
