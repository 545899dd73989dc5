"""Tables of patients and slides: read strictly, ids kept as text, all issues reported at once."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
