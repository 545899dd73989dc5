"""Find patients and genes in a file whose layout is stated."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from msfusion_adapters.annotated import from_anndata, read_h5ad
from msfusion_adapters.genomics.expression import from_cbioportal, from_genes_by_patients, from_xena
from msfusion_adapters.genomics.mutations import mutation_matrix
from msfusion_sdk.tables.frames import patient_table, read_table

__all__ = ["Layout", "read_genes"]

Layout = Literal["patients_by_genes", "genes_by_patients", "cbioportal", "xena", "maf", "anndata"]

# The column whose cells are names and never numbers; None is the first.
_TEXT_COLUMN = {
    "patients_by_genes": "patient_id",
    "genes_by_patients": None,
    "xena": None,
    "cbioportal": "Hugo_Symbol",
    "maf": "Tumor_Sample_Barcode",
}


def read_genes(
    source: Any,
    layout: Layout,
    *,
    genes: Collection[str] | None = None,
    profiled: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Return a row per patient and a column per gene.

    Parameters
    ----------
    source : path, DataFrame, or AnnData for the layout ``"anndata"``
    genes, profiled : optional
        For ``"maf"``; see :func:`~msfusion_adapters.genomics.mutations.mutation_matrix`.

    Raises
    ------
    TableError
        When the source is not of that layout, or its ids cannot be used.
    """
    if layout == "anndata":
        return read_h5ad(source) if isinstance(source, str | Path) else from_anndata(source)
    if isinstance(source, str | Path):
        source = read_table(source, id_column=_TEXT_COLUMN[layout])
    if layout == "maf":
        return mutation_matrix(source, profiled=profiled, genes=genes)
    if layout == "patients_by_genes":
        return patient_table(source)
    turn = {
        "genes_by_patients": from_genes_by_patients,
        "cbioportal": from_cbioportal,
        "xena": from_xena,
    }
    return turn[layout](source)
