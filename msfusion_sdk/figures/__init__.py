"""Figures of evaluations and cohorts."""
