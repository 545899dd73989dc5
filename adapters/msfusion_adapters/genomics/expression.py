"""Gene matrices as people have them, turned into a row per patient and a column per gene.

The layout is stated, never guessed: a square matrix looks the same from both sides.
Nothing here looks from one patient at another, so it is done before any fold is cut.
"""

import logging
import warnings

import numpy as np
import pandas as pd

from msfusion_adapters.barcodes import SampleMap, patients_of_samples
from msfusion_adapters.genomics.gene_rows import require_genes_down, require_values
from msfusion_sdk.errors import DuplicateIdError, TableError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.cells.damage import damaged_genes
from msfusion_sdk.tables.cells.placeholders import MISSING_TEXT
from msfusion_sdk.tables.frames import patient_table
from msfusion_sdk.tables.issues import TableWarning

__all__ = ["from_cbioportal", "from_genes_by_patients", "from_xena", "without_damaged_genes"]

_LOG = logging.getLogger(__name__)

_DESCRIPTIONS = ("Hugo_Symbol", "Entrez_Gene_Id", "Cytoband")


def from_genes_by_patients(table: pd.DataFrame, samples: SampleMap | None = None) -> pd.DataFrame:
    """Return a row per patient from gene names in the first column and a column per patient.

    Parameters
    ----------
    samples : optional
        Which patient a column is of, where they are samples.

    Raises
    ------
    TableError
        When a cell beside the names is not numeric.
    """
    turned = _turned(table.iloc[:, 0].astype("string"), table.iloc[:, 1:])
    return patient_table(turned if samples is None else patients_of_samples(turned, samples))


def from_xena(table: pd.DataFrame, samples: SampleMap | None = None) -> pd.DataFrame:
    """Return a row per patient from a UCSC Xena matrix: genes down, samples across."""
    turned = _turned(table.iloc[:, 0].astype("string"), table.iloc[:, 1:])
    return patients_of_samples(turned, samples)


def from_cbioportal(table: pd.DataFrame, samples: SampleMap | None = None) -> pd.DataFrame:
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
    entrez = pd.to_numeric(table.get("Entrez_Gene_Id", empty), errors="coerce")
    # 0 and -1 stand for genes without a number; several numbers in a cell name none of them.
    entrez = entrez.where((entrez > 0) & (entrez % 1 == 0)).astype("Int64").astype("string")
    # With a prefix: a bare number could be the name of a column elsewhere.
    genes = symbols.mask(symbols.isin(MISSING_TEXT)).fillna("entrez:" + entrez)
    return patients_of_samples(_turned(genes, table.drop(columns=described)), samples)


def _turned(genes: pd.Series, values: pd.DataFrame) -> pd.DataFrame:
    """Return samples down and genes across; rows of one gene are averaged per sample."""
    require_genes_down(genes, values)
    require_values(genes, values)
    words = genes.fillna("").str.strip()
    # One gene may be called NA; of several no mean is a gene.
    is_gap = (words == "") | (words.isin(MISSING_TEXT) & words.duplicated(keep=False))
    # Lines that begin with "__" count the reads of no gene, as HTSeq writes them.
    named = ~(is_gap | words.str.startswith("__"))
    if not named.all():
        _LOG.info("%d of %d rows left out: no gene name.", int((~named).sum()), len(named))
    kept = genes[named].str.strip().to_numpy(object)
    numbers = values[named.to_numpy(bool)].to_numpy(np.float64)
    matrix = pd.DataFrame(numbers, pd.Index(kept, dtype=object), values.columns)
    if not matrix.index.is_unique:
        repeated = int(matrix.index.duplicated().sum())
        _LOG.info("%d rows repeat a gene name and are averaged within each patient.", repeated)
        matrix = matrix.groupby(level=0, sort=False).mean()
    turned = without_damaged_genes(matrix.T)
    turned.index = turned.index.astype(object)
    if not turned.index.is_unique:
        twice = turned.index[turned.index.duplicated()].unique()
        msg = (
            f"{len(twice)} samples or patients occur in two columns (first: "
            f"{first_few(twice)}). Keep one column of each."
        )
        raise DuplicateIdError(msg)
    return turned


def without_damaged_genes(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of genes across without those whose names a spreadsheet has changed.

    Two genes may have become the same day, so that neither can be recovered.

    Warns
    -----
    TableWarning
        With their number and the first of them.
    """
    damaged = damaged_genes([str(name) for name in table.columns])
    if not damaged:
        return table
    warnings.warn(
        f"{len(damaged)} genes have names that a spreadsheet made dates or numbers of (first: "
        f"{first_few(damaged, 5)}), and are left out. Take the table from where it comes from.",
        TableWarning,
        stacklevel=5,
    )
    return table.drop(columns=list(dict.fromkeys(damaged)))
