"""Model folders: written, found, verified."""
