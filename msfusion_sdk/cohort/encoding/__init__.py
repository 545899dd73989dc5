"""Encode the slides of a cohort: what is to do, the run, its summary."""
