"""Gene quantification of the GDC: a file per sample, and a sheet that says whose it is.

The sample sheet is what the GDC portal gives beside the files; ``gdc-client`` puts each file
into a folder named by its id, the portal's archive too.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from msfusion_adapters.barcodes import SampleMap, patients_of_samples
from msfusion_sdk.errors import DuplicateIdError, TableError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.files.table_file import TableFile, TableShape
from msfusion_sdk.tables.frames import read_shaped

__all__ = ["read_gdc_samples"]

SHEET = ("File ID", "File Name", "Sample ID")
GENES, VALUES = "gene_name", "tpm_unstranded"
_QUANTIFICATION = TableShape(wanted=(GENES, VALUES), has_comments=True)


def read_gdc_samples(sheet: str | Path | TableFile, samples: SampleMap | None) -> pd.DataFrame:
    """Return a row per patient and a column per gene symbol, in transcripts per million.

    Parameters
    ----------
    sheet : path
        A sample sheet; the files of "Gene Expression Quantification" (STAR counts) lie beside
        it, or in folders named by their ids.
    samples : optional
        Which patient a sample is of; TCGA barcodes say it themselves.

    Raises
    ------
    TableError
        When it is no sample sheet, a file is missing, or is no quantification of genes.
    DuplicateIdError
        When a sample has two files.
    """
    file = sheet if isinstance(sheet, TableFile) else TableFile(path=Path(sheet))
    listed = read_shaped(file, TableShape(wanted=SHEET), keep_text=SHEET)
    absent = [name for name in SHEET if name not in listed.columns]
    if absent:
        msg = (
            f"{file.path} is no sample sheet of the GDC: it has no column {absent[0]!r} (found: "
            f"{first_few(list(listed.columns), 8)}). Clinical tables are added as 'clinical'."
        )
        raise TableError(msg)
    names = listed["Sample ID"].astype(str)
    if not names.is_unique:
        repeated = names[names.duplicated()].unique()
        msg = (
            f"{len(repeated)} samples of {file.path} have two files (first: "
            f"{first_few(repeated)}). Keep one row of each."
        )
        raise DuplicateIdError(msg)
    paths = [_find(file.path.parent, row) for row in listed[list(SHEET)].itertuples(index=False)]
    columns = {name: _read(path) for name, path in zip(names, paths, strict=True)}
    table = pd.DataFrame(columns).T
    table.index = table.index.astype(object)
    return patients_of_samples(table, samples)


def _find(folder: Path, row: tuple[str, ...]) -> Path:
    file_id, name, sample = row
    for path in (folder / file_id / name, folder / name):
        if path.is_file():
            return path
    msg = (
        f"The file of sample {sample!r} is neither {folder / file_id / name} nor {folder / name}. "
        "Put the sample sheet into the folder of the files."
    )
    raise TableError(msg)


def _read(path: Path) -> "pd.Series[float]":
    table = read_shaped(TableFile(path=path), _QUANTIFICATION, keep_text=(GENES,))
    if not {GENES, VALUES} <= set(table.columns):
        msg = (
            f"{path} is no quantification of genes: it has no columns {GENES!r} and {VALUES!r} "
            f"(found: {first_few(list(table.columns), 8)})."
        )
        raise TableError(msg)
    # The first rows count reads that belong to no gene.
    genes = table[table[GENES].notna() & (table[GENES].astype(str).str.strip() != "")]
    if not pd.api.types.is_numeric_dtype(genes[VALUES]):
        wrong = genes[pd.to_numeric(genes[VALUES], errors="coerce").isna() & genes[VALUES].notna()]
        msg = (
            f"{path} has {len(wrong)} values of {VALUES!r} that are no numbers (first: "
            f"{first_few(list(wrong[VALUES]), 1)} of {first_few(list(wrong[GENES]), 1)}). Download "
            "it again."
        )
        raise TableError(msg)
    values = genes[VALUES].to_numpy(np.float64)
    # Several Ensembl genes may have one symbol.
    return pd.Series(values, genes[GENES].astype(str)).groupby(level=0, sort=False).mean()
