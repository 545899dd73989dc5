"""Numbers that can be trusted: folds by patient, metrics, intervals and baselines."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
