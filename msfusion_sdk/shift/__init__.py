"""Whether new tables look like those that a model learned from: profiled, then compared."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
