"""Every fit inside its fold: models, baselines and their out-of-fold predictions."""
