"""How well risks and curves fit what was seen: pure functions."""
