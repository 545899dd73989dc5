"""A slide viewer for this machine: pages in the browser, tiles on request, nothing written."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
