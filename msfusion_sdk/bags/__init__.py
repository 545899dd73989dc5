"""Bags of patch vectors, and heads that learn which patches of a bag count."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
