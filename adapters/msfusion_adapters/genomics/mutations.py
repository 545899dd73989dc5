"""Mutation Annotation Format (MAF) to a 0/1 matrix in which "not sequenced" is not 0.

A MAF lists mutations, so it does not name the patients without any.  Who was sequenced has
to be said: everyone else is missing, never wild type.
"""

from collections.abc import Collection, Iterable

import pandas as pd

from msfusion_adapters.genomics.expression import choose_samples
from msfusion_sdk.errors import TableError
from msfusion_sdk.tables.frames import patient_table

__all__ = ["PROTEIN_CHANGING", "mutation_matrix"]

PROTEIN_CHANGING = (
    "De_novo_Start_InFrame",
    "De_novo_Start_OutOfFrame",
    "Frame_Shift_Del",
    "Frame_Shift_Ins",
    "In_Frame_Del",
    "In_Frame_Ins",
    "Missense_Mutation",
    "Nonsense_Mutation",
    "Nonstop_Mutation",
    "Splice_Site",
    "Start_Codon_Del",
    "Start_Codon_Ins",
    "Start_Codon_SNP",
    "Stop_Codon_Del",
    "Stop_Codon_Ins",
    "Translation_Start_Site",
)
"""Values of ``Variant_Classification`` that count; silent, intronic and the like do not."""

_NEEDED = ("Hugo_Symbol", "Variant_Classification", "Tumor_Sample_Barcode")


def mutation_matrix(
    maf: pd.DataFrame,
    *,
    profiled: Iterable[str] | None = None,
    genes: Collection[str] | None = None,
    classes: Collection[str] = PROTEIN_CHANGING,
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

    Returns
    -------
    DataFrame of int8, indexed by patient_id; rows and columns in alphabetical order.

    Raises
    ------
    TableError
        When a column is missing, or the MAF has a sample that was not profiled.
    """
    missing = [name for name in _NEEDED if name not in maf.columns]
    if missing:
        msg = f"This is no MAF: the columns {', '.join(missing)} are missing."
        raise TableError(msg)
    tumours = choose_samples(maf["Tumor_Sample_Barcode"].astype(str))
    patients = set(tumours.values())
    if profiled is not None:
        sequenced = set(choose_samples(profiled).values())
        strangers = sorted(patients - sequenced)
        if strangers:
            msg = (
                f"{len(strangers)} patients of the MAF are not among the {len(sequenced)} profiled "
                f"(first: {', '.join(strangers[:3])}). Name everybody who was sequenced."
            )
            raise TableError(msg)
        patients = sequenced
    counted = maf[maf["Variant_Classification"].isin(list(classes))]
    # A patient's other samples map to nothing, and crosstab passes over them.
    owners = counted["Tumor_Sample_Barcode"].astype(str).map(tumours)
    found = pd.crosstab(owners, counted["Hugo_Symbol"].astype(str))
    columns = sorted(found.columns if genes is None else genes)
    matrix = found.reindex(index=sorted(patients), columns=columns, fill_value=0) > 0
    matrix.columns.name = None
    return patient_table(matrix.astype("int8"))
