"""Who is in which fold, and whether the folds can be used."""

from msfusion_sdk._moved import forward

__getattr__ = forward(__name__, "msfusion_sdk.evaluation")
