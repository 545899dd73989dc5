"""Patch vectors of slides to a score per patient, by attention learned in the fold."""

from msfusion_adapters.patches.adapter import PatchesAdapter

__all__ = ["PatchesAdapter"]
