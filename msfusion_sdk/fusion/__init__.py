"""Late fusion: tables of several modalities in, a risk or class probabilities out."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
