"""Mutation Annotation Format (MAF) to a 0/1 matrix in which "not sequenced" is not 0.

A MAF lists mutations, so it does not name the patients without any.  Who was sequenced has
to be stated: everyone else is missing, never wild type.
"""

from collections.abc import Collection, Iterable
from pathlib import Path

import pandas as pd

from msfusion_adapters.barcodes import SampleMap, choose_samples, read_sample_map
from msfusion_adapters.genomics.variant_classes import PROTEIN_CHANGING, maf_classes
from msfusion_sdk.errors import TableError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.files.table_file import TableFile
from msfusion_sdk.tables.frames import patient_table

__all__ = ["mutation_matrix", "read_profiled"]

_NEEDED = ("Hugo_Symbol", "Variant_Classification", "Tumor_Sample_Barcode")


def mutation_matrix(
    maf: pd.DataFrame,
    *,
    profiled: Iterable[str] | None = None,
    genes: Collection[str] | None = None,
    classes: Collection[str] = PROTEIN_CHANGING,
    samples: SampleMap | None = None,
) -> pd.DataFrame:
    """Return 1 where a profiled patient has a counted mutation of a gene, else 0.

    Parameters
    ----------
    maf : DataFrame
        With ``Hugo_Symbol``, ``Variant_Classification`` and ``Tumor_Sample_Barcode``.
    profiled : patient ids or sample barcodes, optional
        Everybody who was sequenced, with or without a mutation: the rows of the result.  By
        default those whom the MAF names; a patient without any mutation is then missing.
    genes : optional
        The columns of the result; the genes with a counted mutation by default.
    classes : optional
        Values of ``Variant_Classification`` that count.
    samples : optional
        Which patient a sample is of; see :func:`~msfusion_adapters.barcodes.choose_samples`.

    Returns
    -------
    DataFrame of int8, indexed by patient_id; rows and columns in alphabetical order.

    Raises
    ------
    TableError
        When a column is missing, the MAF has a sample that was not profiled, or fewer than
        half of its classes are known.

    Warns
    -----
    TableWarning
        When classes had to be translated, or are unknown.
    """
    missing = [name for name in _NEEDED if name not in maf.columns]
    if missing:
        msg = f"This is no MAF: the columns {', '.join(missing)} are missing."
        raise TableError(msg)
    barcodes = maf["Tumor_Sample_Barcode"]
    if barcodes.isna().any():
        msg = f"{int(barcodes.isna().sum())} of {len(maf)} mutations name no Tumor_Sample_Barcode."
        raise TableError(msg)
    tumours = choose_samples(barcodes.astype(str), samples)
    patients = set(tumours.values())
    if profiled is not None:
        sequenced = set(choose_samples(profiled, _only_samples(profiled, samples)).values())
        unknown = sorted(patients - sequenced)
        if unknown:
            msg = (
                f"{len(unknown)} patients of the MAF are not among the {len(sequenced)} profiled "
                f"(first: {', '.join(unknown[:3])}). Name everybody who was sequenced."
            )
            raise TableError(msg)
        patients = sequenced
    counted = maf[maf_classes(maf["Variant_Classification"]).isin(list(classes))]
    # A patient's other samples map to nothing, and crosstab passes over them.
    owners = counted["Tumor_Sample_Barcode"].astype(str).map(tumours)
    found = pd.crosstab(owners, counted["Hugo_Symbol"].astype(str))
    columns = sorted(found.columns if genes is None else genes)
    # Sequenced and without a counted mutation: 0, and not missing.
    matrix = found.reindex(index=sorted(patients), columns=columns, fill_value=0) > 0
    matrix.columns.name = None
    return patient_table(matrix.astype("int8"))


def read_profiled(source: Iterable[str] | str | Path) -> list[str]:
    """Return who was sequenced: the ids themselves, or those in a file.

    Parameters
    ----------
    source : ids, or the path of a text file
        With an id in each line, or a case list of cBioPortal (``cases_sequenced.txt``).

    Raises
    ------
    TableError
        When the file holds no ids.
    """
    if not isinstance(source, str | Path | TableFile):
        return list(source)
    path = source.path if isinstance(source, TableFile) else Path(source)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path} could not be read: {error}. Give a text file with an id in each line."
        raise TableError(msg) from error
    listed = [line for line in lines if line.startswith("case_list_ids:")]
    if listed:
        # A case list has all ids in one line.
        ids = listed[0].removeprefix("case_list_ids:").split("\t")
    else:
        ids = [line.strip() for line in lines if not line.startswith("#")]
    found = [name.strip() for name in ids if name.strip()]
    wide = [name for name in found if any(mark in name for mark in "\t,;")]
    if wide or not found:
        msg = (
            f"{path} is no list of ids (line {first_few(wide, 1) or 'none'}). Give an id in each "
            "line, or a case list of cBioPortal."
        )
        raise TableError(msg)
    return found


def _only_samples(profiled: Iterable[str], samples: SampleMap | None) -> SampleMap | None:
    """Return the map of samples when who was profiled is stated by sample, and not by patient."""
    if samples is None:
        return None
    patients = read_sample_map(samples)
    return patients if any(name in patients for name in profiled) else None
