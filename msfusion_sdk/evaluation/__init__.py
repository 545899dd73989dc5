"""Numbers that can be trusted: folds by patient, metrics, intervals and baselines."""
