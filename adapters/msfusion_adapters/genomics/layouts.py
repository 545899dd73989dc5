"""Find patients and genes in a file whose layout is stated."""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd

from msfusion_adapters.annotated import from_anndata, read_h5ad
from msfusion_adapters.barcodes import SampleMap, patients_of_samples
from msfusion_adapters.genomics.expression import (
    from_cbioportal,
    from_genes_by_patients,
    from_xena,
    without_damaged_genes,
)
from msfusion_adapters.genomics.gdc import read_gdc_samples
from msfusion_adapters.genomics.mutations import mutation_matrix
from msfusion_adapters.genomics.profiled import read_profiled
from msfusion_sdk.errors import TableError
from msfusion_sdk.tables.files.table_file import TableFile, TableShape
from msfusion_sdk.tables.frames import ID_COLUMN, patient_table, read_shaped

__all__ = ["Layout", "read_genes"]

Layout = Literal[
    "patients_by_genes", "genes_by_patients", "cbioportal", "xena", "maf", "gdc", "anndata"
]

_MAF = ("Hugo_Symbol", "Variant_Classification", "Tumor_Sample_Barcode")
_NAMES_FIRST = TableShape(has_row_names=True)

# How the files of a layout are written, and which columns are names and never numbers.
_SHAPES: dict[str, tuple[TableShape, tuple[str, ...]]] = {
    "patients_by_genes": (TableShape(wanted=(ID_COLUMN,)), (ID_COLUMN,)),
    "genes_by_patients": (_NAMES_FIRST, ()),
    "xena": (_NAMES_FIRST, ()),
    "cbioportal": (
        TableShape(one_of=("Hugo_Symbol", "Entrez_Gene_Id"), has_comments=True),
        ("Hugo_Symbol",),
    ),
    "maf": (TableShape(wanted=_MAF, has_comments=True, repeats_header=True), _MAF),
}

_TURNED: dict[str, Callable[[pd.DataFrame, SampleMap | None], pd.DataFrame]] = {
    "genes_by_patients": from_genes_by_patients,
    "cbioportal": from_cbioportal,
    "xena": from_xena,
}


def read_genes(
    source: Any,
    layout: Layout,
    *,
    genes: Collection[str] | None = None,
    profiled: Iterable[str] | str | Path | None = None,
    samples: SampleMap | None = None,
) -> pd.DataFrame:
    """Return a row per patient and a column per gene.

    Parameters
    ----------
    source : path, TableFile, DataFrame, or AnnData for the layout ``"anndata"``
    genes, profiled : optional
        For ``"maf"``; see :func:`~msfusion_adapters.genomics.mutations.mutation_matrix`.
    samples : optional
        Which patient a sample is of; see :func:`~msfusion_adapters.barcodes.choose_samples`.

    Raises
    ------
    TableError
        When the source is not of that layout, or its ids cannot be used.
    """
    if layout not in get_args(Layout):
        msg = f"layout={layout!r} is not one of {', '.join(get_args(Layout))}."
        raise TableError(msg)
    is_file = isinstance(source, str | Path | TableFile)
    if layout == "anndata":
        return read_h5ad(source) if is_file else from_anndata(source)
    if layout == "gdc":
        return without_damaged_genes(read_gdc_samples(source, samples))
    if is_file:
        shape, names = _SHAPES[layout]
        source = read_shaped(source, shape, keep_text=names)
    if layout == "maf":
        listed = None if profiled is None else read_profiled(profiled)
        matrix = mutation_matrix(source, profiled=listed, genes=genes, samples=samples)
        # The genes of a fitted adapter are as they are.
        return matrix if genes is not None else without_damaged_genes(matrix)
    if layout == "patients_by_genes":
        table = patient_table(source)
        # Only where asked for: ids of patients could look like samples.
        table = table if samples is None else patients_of_samples(table, samples)
        return without_damaged_genes(table)
    return _TURNED[layout](source, samples)
