"""Genomic tables: expression, copy number and mutations in the layouts they come in."""
