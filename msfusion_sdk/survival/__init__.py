"""Survival as pure functions: outcomes, losses, a ridge Cox model, metrics, calibration."""
