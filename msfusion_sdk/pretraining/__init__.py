"""Labelled tiles to trained networks, and the scores that say how good they are."""
