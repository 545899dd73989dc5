"""A cohort, an outcome and a model: trained, evaluated, recorded in folders."""
