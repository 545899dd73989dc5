"""Which layout a table without patient ids seems to have, by the names of its columns."""

import re
from collections.abc import Sequence

__all__ = ["GENE_WORDS", "layout_hint"]

BARCODE = re.compile(r"TCGA[-._]\w{2}[-._]\w{4}.*", re.ASCII | re.IGNORECASE)

GENE_WORDS = frozenset(
    {
        *("gene", "genes", "symbol", "gene_symbol", "gene symbol", "hugo_symbol", "gene_name"),
        *("gene_id", "geneid", "entrez", "entrez_gene_id", "ensembl_id", "probe", "probe_id"),
        *("id", "id_ref", "name", "sample"),
    }
)
"""What the column of gene names is called: a header that begins so is none of R's."""

# The first that fits: which columns tell it, the layout, and what it is.
KNOWN = (
    ({"variant_classification", "tumor_sample_barcode"}, "maf", "a list of mutations (MAF)"),
    ({"bcr_patient_barcode"}, "gdc", "a clinical table of the GDC or TCGA"),
    ({"case_submitter_id"}, "gdc", "a clinical table of the GDC"),
    ({"cases.submitter_id"}, "gdc", "a clinical table of the GDC"),
    ({"file name", "case id", "sample id"}, "gdc", "a sample sheet of the GDC"),
    ({"hugo_symbol"}, "cbioportal", "a matrix of cBioPortal, genes down and samples across"),
    ({"entrez_gene_id"}, "cbioportal", "a matrix of cBioPortal, genes down and samples across"),
    ({"patient_id", "sample_id"}, "cbioportal", "a clinical table of cBioPortal"),
    ({"patient_id", "os_status"}, "cbioportal", "a clinical table of cBioPortal"),
    ({"_patient"}, "xena", "a clinical table of UCSC Xena"),
)


def layout_hint(names: Sequence[str]) -> str:
    """Return what a table seems to be and how it is read, '' when nothing tells.

    Parameters
    ----------
    names : sequence of str
        Of its columns, none of which is ``patient_id``.

    Examples
    --------
    >>> layout_hint(["Hugo_Symbol", "Entrez_Gene_Id", "TCGA-05-4244-01"])[:57]
    'It looks like a matrix of cBioPortal, genes down and samp'
    """
    # Releases of one portal differ in case and marks.
    plain = {name.strip().casefold().lstrip("#") for name in names}
    found = next(((layout, what) for told, layout, what in KNOWN if told <= plain), None)
    barcodes = sum(bool(BARCODE.fullmatch(name)) for name in names)
    if found is None and barcodes > len(names) / 2:
        found = "xena", "a matrix with genes down and TCGA samples across"
    if found is None:
        return ""
    layout, what = found
    # Only a cohort reads other layouts; what is said here reaches readers of other commands, too.
    return (
        f"It looks like {what}: read it into a cohort with layout={layout!r} (msfusion cohort "
        f"create or add, with --layout {layout}); a command without --layout takes that cohort."
    )
