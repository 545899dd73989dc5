"""Modality adapters shipped with the SDK, registered by entry point."""
