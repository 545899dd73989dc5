"""What cannot be a matrix of genes down and samples across: other turns, columns and cells."""

import pandas as pd

from msfusion_sdk.errors import TableError
from msfusion_sdk.phrases import first_few

__all__ = ["require_genes_down", "require_values"]

# What portals and counting programs write beside the names of genes.
_NO_SAMPLES = frozenset(
    {
        *("entrez_gene_id", "entrez_id", "entrezid", "entrez", "hugo_symbol", "gene_id", "geneid"),
        *("gene_symbol", "gene_name", "symbol", "ensembl_id", "locus_id", "cytoband"),
        *("description", "chr", "chrom", "chromosome", "start", "end", "strand", "length"),
        *("gene_length", "gene_type", "gene_biotype", "#ofprobes"),
    }
)


def require_genes_down(genes: pd.Series, values: pd.DataFrame) -> None:
    """Refuse patients down, and columns that describe genes: they would be taken for each other."""
    if not len(values) or not values.shape[1]:
        msg = (
            f"The matrix has {len(genes)} genes and {values.shape[1]} samples (first column: "
            f"{genes.name!r}). Give a row for each gene and a column for each sample."
        )
        raise TableError(msg)
    named = genes[genes.fillna("").str.strip() != ""]
    if not len(named):
        msg = f"None of the {len(genes)} rows of the matrix names its gene. Fill in the names."
        raise TableError(msg)
    if named.str.match(r"(?i)tcga[-._]\w\w[-._]\w{4}").mean() > 1 / 2:
        msg = (
            f"The first column, {genes.name!r}, holds patients where genes should be (first: "
            f"{first_few(list(named))}). Read the table with the layout 'patients_by_genes', where "
            "that column is called 'patient_id'."
        )
        raise TableError(msg)
    others = [name for name in values.columns if _plain(name) in _NO_SAMPLES]
    if others:
        msg = (
            f"{first_few(others)} beside the gene names describe genes, and are no samples. Delete "
            "these columns; a matrix of cBioPortal is read with the layout 'cbioportal'."
        )
        raise TableError(msg)


def require_values(genes: pd.Series, values: pd.DataFrame) -> None:
    """Refuse columns that are not numeric, with the first cell of each that is no number."""
    wrong = [name for name in values.columns if not pd.api.types.is_numeric_dtype(values[name])]
    if wrong:
        first = ", ".join(_no_number(genes, values[name]) for name in wrong[:3])
        msg = (
            f"{len(wrong)} of {values.shape[1]} columns beside the gene names are not numeric "
            f"(first: {first}). State the layout of the file, or correct these cells; see "
            "GenomicsAdapter."
        )
        raise TableError(msg)


def _no_number(genes: pd.Series, column: pd.Series) -> str:
    """Return the first cell of a column that is no number, with its gene."""
    is_wrong = pd.to_numeric(column, errors="coerce").isna() & column.notna()
    # A column of words such as 01 holds numbers alone.
    row = int(is_wrong.to_numpy().argmax())
    return f"{column.name!r}, {genes.iloc[row]!r}: {column.iloc[row]!r}"


def _plain(name: object) -> str:
    return str(name).strip().casefold().replace(" ", "_")
