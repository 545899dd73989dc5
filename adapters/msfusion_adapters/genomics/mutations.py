"""Mutation Annotation Format (MAF) to a 0/1 matrix in which "not sequenced" is not 0.

A MAF lists mutations, so it does not name the patients without any.  Who was sequenced has
to be stated: everyone else is missing, never wild type.
"""

import warnings
from collections.abc import Collection, Iterable, Mapping

import pandas as pd

from msfusion_adapters.barcodes import SampleMap, choose_samples, read_sample_map
from msfusion_adapters.genomics.variant_classes import PROTEIN_CHANGING, maf_classes
from msfusion_sdk.errors import IdTypeError, TableError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.frames import patient_table
from msfusion_sdk.tables.issues import TableWarning

__all__ = ["mutation_matrix"]

NO_GENE = ("", ".", "NA", "Unknown")
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
        When classes had to be translated, are unknown, or none of them counts, and when mutations
        name no gene.
    """
    missing = [name for name in _NEEDED if name not in maf.columns]
    if missing:
        msg = (
            f"This is no MAF: the columns {', '.join(missing)} are missing (found: "
            f"{first_few(list(maf.columns), 8)}). Call them so."
        )
        raise TableError(msg)
    barcodes = maf["Tumor_Sample_Barcode"].astype(object)
    _require_named(barcodes)
    tumours = choose_samples(barcodes, samples)
    _require_tumours(barcodes, tumours)
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
    if len(maf) and counted.empty:
        warnings.warn(
            f"None of the {len(maf)} mutations has a class that counts, so that nobody has a "
            "mutation. Check the column Variant_Classification.",
            TableWarning,
            stacklevel=4,
        )
    # A patient's other samples map to nothing, and crosstab passes over them.
    owners = counted["Tumor_Sample_Barcode"].astype(str).map(tumours)
    found = pd.crosstab(owners, _genes(counted["Hugo_Symbol"]))
    columns = sorted(found.columns if genes is None else genes)
    # Sequenced and without a counted mutation: 0, and not missing.
    matrix = found.reindex(index=sorted(patients), columns=columns, fill_value=0) > 0
    matrix.columns.name = None
    return patient_table(matrix.astype("int8"))


def _require_named(barcodes: pd.Series) -> None:
    """Refuse mutations of nobody, and of samples whose names are numbers."""
    blank = barcodes.isna() | (barcodes.astype(str).str.strip() == "")
    if blank.any():
        msg = (
            f"{int(blank.sum())} of {len(barcodes)} mutations name no Tumor_Sample_Barcode (first: "
            f"mutation {int(blank.to_numpy().argmax()) + 1}). Fill them in, or delete the rows."
        )
        raise TableError(msg)
    wrong = [name for name in barcodes if not isinstance(name, str)]
    if wrong:
        msg = (
            f"{len(wrong)} of {len(barcodes)} cells of Tumor_Sample_Barcode are no text (first: "
            f"{first_few(wrong)}). Read the names of samples as text, since numbers lose zeros."
        )
        raise IdTypeError(msg)


def _require_tumours(barcodes: pd.Series, tumours: Mapping[str, str]) -> None:
    if len(barcodes) and not tumours:
        msg = (
            f"None of the samples of the MAF is a tumour (first: {first_few(barcodes)}). Check the "
            "column Tumor_Sample_Barcode."
        )
        raise TableError(msg)


def _genes(symbols: pd.Series) -> pd.Series:
    """Return the genes of mutations; what names none, between genes say, is missing."""
    names = symbols.astype("string").str.strip()
    nameless = names.isna() | names.isin(NO_GENE)
    if nameless.any():
        warnings.warn(
            f"{int(nameless.sum())} of {len(names)} counted mutations name no gene and are left "
            "out (Hugo_Symbol is blank, '.', 'NA' or 'Unknown').",
            TableWarning,
            stacklevel=5,
        )
    return names.mask(nameless).astype(object)


def _only_samples(profiled: Iterable[str], samples: SampleMap | None) -> SampleMap | None:
    """Return the map of samples when who was profiled is stated by sample, and not by patient."""
    if samples is None:
        return None
    patients = read_sample_map(samples)
    return patients if any(name in patients for name in profiled) else None
