"""Clinical tables: columns read as numbers, stages or levels, and encoded inside the fold."""

from msfusion_adapters.clinical.adapter import ClinicalAdapter

__all__ = ["ClinicalAdapter"]
