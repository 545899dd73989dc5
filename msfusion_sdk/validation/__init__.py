"""External validation: a trained model judged on patients of elsewhere, and recalibrated."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
