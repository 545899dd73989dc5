"""Who is in which fold, and whether the folds can be used."""
