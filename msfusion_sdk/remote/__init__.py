"""Slides at addresses: looked at, fetched to a local disk, and what leaves sent there."""
