"""Cohorts, evaluations and models as one HTML file that needs nothing else."""
