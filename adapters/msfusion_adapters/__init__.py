"""Modality adapters shipped with the SDK; none yet."""
