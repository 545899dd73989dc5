"""Genomic tables: expression, copy number and mutations in the layouts they come in."""

from msfusion_adapters.genomics.adapter import GenomicsAdapter

__all__ = ["GenomicsAdapter"]
