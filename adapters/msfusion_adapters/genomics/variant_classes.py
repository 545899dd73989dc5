"""What a mutation does to the protein, in the words of MAF, of VEP and of ANNOVAR.

Sources: the MAF specification of the GDC; the consequence terms of Ensembl VEP (Sequence
Ontology); vcf2maf, which maps these to those; the exonic functions of ANNOVAR.
"""

import re
import warnings
from collections.abc import Mapping

import pandas as pd

from msfusion_sdk.errors import TableError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.issues import TableWarning

__all__ = ["PROTEIN_CHANGING", "maf_classes"]

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

OTHERS = (
    *("Silent", "Splice_Region", "Intron", "RNA", "lincRNA", "IGR", "Targeted_Region"),
    *("3'UTR", "5'UTR", "3'Flank", "5'Flank", "Fusion", "Exon", "De_novo_Start", "Promoter"),
    *("Upstream", "Downstream", "COULD_NOT_DETERMINE", "Stop_Codon_SNP", "Synonymous_Mutation"),
    *("miRNA", "NCSD", "Read-through", "Indel", "Complex"),
)

# Of VEP, from the most severe to the least, as vcf2maf ranks and translates them.
VEP: Mapping[str, str] = {
    "transcript_ablation": "Splice_Site",
    "exon_loss_variant": "Splice_Site",
    "splice_donor_variant": "Splice_Site",
    "splice_acceptor_variant": "Splice_Site",
    "stop_gained": "Nonsense_Mutation",
    "frameshift_variant": "Frame_Shift_Del",
    "stop_lost": "Nonstop_Mutation",
    "start_lost": "Translation_Start_Site",
    "initiator_codon_variant": "Translation_Start_Site",
    "disruptive_inframe_insertion": "In_Frame_Ins",
    "disruptive_inframe_deletion": "In_Frame_Del",
    "conservative_inframe_insertion": "In_Frame_Ins",
    "conservative_inframe_deletion": "In_Frame_Del",
    "inframe_insertion": "In_Frame_Ins",
    "inframe_deletion": "In_Frame_Del",
    "protein_altering_variant": "Missense_Mutation",
    "missense_variant": "Missense_Mutation",
    "rare_amino_acid_variant": "Missense_Mutation",
    "transcript_amplification": "Intron",
    "splice_donor_5th_base_variant": "Splice_Region",
    "splice_donor_region_variant": "Splice_Region",
    "splice_polypyrimidine_tract_variant": "Splice_Region",
    "splice_region_variant": "Splice_Region",
    "stop_retained_variant": "Silent",
    "start_retained_variant": "Silent",
    "synonymous_variant": "Silent",
    "incomplete_terminal_codon_variant": "Silent",
    "coding_sequence_variant": "Missense_Mutation",
    "mature_mirna_variant": "RNA",
    "non_coding_exon_variant": "RNA",
    "non_coding_transcript_exon_variant": "RNA",
    "non_coding_transcript_variant": "RNA",
    "nc_transcript_variant": "RNA",
    "5_prime_utr_variant": "5'UTR",
    "5_prime_utr_premature_start_codon_gain_variant": "5'UTR",
    "3_prime_utr_variant": "3'UTR",
    "intron_variant": "Intron",
    "intragenic_variant": "Intron",
    "nmd_transcript_variant": "Silent",
    "upstream_gene_variant": "5'Flank",
    "downstream_gene_variant": "3'Flank",
    "tf_binding_site_variant": "Targeted_Region",
    "regulatory_region_variant": "Targeted_Region",
    "intergenic_variant": "IGR",
    "intergenic_region": "IGR",
}
ANNOVAR: Mapping[str, str] = {
    "nonsynonymous snv": "Missense_Mutation",
    "synonymous snv": "Silent",
    "stopgain": "Nonsense_Mutation",
    "stopgain snv": "Nonsense_Mutation",
    "stoploss": "Nonstop_Mutation",
    "stoploss snv": "Nonstop_Mutation",
    "startloss": "Translation_Start_Site",
    "frameshift deletion": "Frame_Shift_Del",
    "frameshift insertion": "Frame_Shift_Ins",
    "frameshift substitution": "Frame_Shift_Ins",
    "frameshift block substitution": "Frame_Shift_Ins",
    "nonframeshift deletion": "In_Frame_Del",
    "nonframeshift insertion": "In_Frame_Ins",
    "nonframeshift substitution": "In_Frame_Ins",
    "splicing": "Splice_Site",
    "exonic;splicing": "Splice_Site",
    "intronic": "Intron",
    "intergenic": "IGR",
    "utr3": "3'UTR",
    "utr5": "5'UTR",
    "ncrna_exonic": "RNA",
    "ncrna_intronic": "RNA",
}
# Of other pipelines, and of MAF without its underscores.
PLAIN: Mapping[str, str] = {
    "missense": "Missense_Mutation",
    "nonsense": "Nonsense_Mutation",
    "nonstop": "Nonstop_Mutation",
    "frameshift": "Frame_Shift_Del",
    "frameshiftdeletion": "Frame_Shift_Del",
    "frameshiftinsertion": "Frame_Shift_Ins",
    "inframe": "In_Frame_Del",
    "inframedeletion": "In_Frame_Del",
    "inframeinsertion": "In_Frame_Ins",
    "splice": "Splice_Site",
    "synonymous": "Silent",
    "utr3": "3'UTR",
    "utr5": "5'UTR",
}
KNOWN_SHARE = 0.5


def maf_classes(words: pd.Series) -> pd.Series:
    """Return the class of each mutation in the words of MAF, None where it is unknown.

    Of several terms of VEP, joined by ``&`` or ``,``, the most severe counts.

    Raises
    ------
    TableError
        When fewer than half of the mutations have a known class.

    Warns
    -----
    TableWarning
        Of words that were translated, and of words that nobody knows.
    """
    counts = words.astype(object).where(words.notna(), "").value_counts()
    place = {word: _maf_class(str(word)) for word in counts.index}
    translated = {w: c for w, c in place.items() if c is not None and c != w}
    # A blank cell is no answer either: a column of them would make everybody wild type.
    unknown = [word for word, found in place.items() if found is None]
    n_unknown = int(counts[unknown].sum())
    if n_unknown > (1 - KNOWN_SHARE) * len(words):
        msg = (
            f"{n_unknown} of {len(words)} mutations have a Variant_Classification that is none of "
            f"MAF (first: {first_few(unknown, 5)}). Expected are words such as 'Missense_Mutation' "
            "or VEP's 'missense_variant'."
        )
        raise TableError(msg)
    other = {w: c for w, c in translated.items() if _plain(w) != _plain(c)}
    if other:
        shown = ", ".join(f"{word!r} as {name!r}" for word, name in list(other.items())[:5])
        _warn(f"{int(counts[list(other)].sum())} of {len(words)} mutations are not in the words of "
              f"MAF and were translated: {shown}{', …' if len(other) > 5 else ''}.")  # fmt: skip
    if unknown:
        _warn(f"{n_unknown} of {len(words)} mutations have a class that nobody knows and do not "
              f"count: {first_few(unknown, 5)}.")  # fmt: skip
    return words.astype(object).where(words.notna(), "").map(place)


def _maf_class(word: str) -> str | None:
    plain = _plain(word)
    if plain in _MAF:
        return _MAF[plain]
    if plain in _ANNOVAR:
        return _ANNOVAR[plain]
    terms = [_plain(term) for term in re.split(r"[&,;+|]", word)]
    if all(term in _VEP for term in terms):
        # The table goes from the most severe term to the least.
        return _VEP[min(terms, key=list(_VEP).index)]
    return PLAIN.get(plain)


def _plain(word: str) -> str:
    return re.sub(r"[\s_\-]", "", word.casefold())


# Programs write the same words with blanks, with underscores, and in capitals.
_MAF = {_plain(name): name for name in (*PROTEIN_CHANGING, *OTHERS)}
_VEP = {_plain(term): name for term, name in VEP.items()}
_ANNOVAR = {_plain(word): name for word, name in ANNOVAR.items()}


def _warn(message: str) -> None:
    warnings.warn(message, TableWarning, stacklevel=5)
