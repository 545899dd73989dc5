"""Pixels in: open a slide, find its tissue, lay the patch grid, read patches.  Knows no torch.

Prefixes: ``l0_`` pixels of level 0, ``level_`` pixels of the chosen level, ``mask_`` pixels
of the tissue mask, ``um_`` microns.  Points and sizes are ``(x, y)`` and
``(width, height)``; arrays are ``(height, width, channel)``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
