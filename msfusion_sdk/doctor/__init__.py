"""Look at an installation and a folder, and report what is wrong and what resolves it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
