"""A cohort folder: patients, their slides and tables, encoded and exported."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
