"""Patches to one vector: two feature networks, attention fusion, and the encoder around them."""
