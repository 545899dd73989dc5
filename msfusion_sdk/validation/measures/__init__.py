"""Calibration in the large, net benefit, and intervals of both: pure functions."""
