"""Whole slides to vectors, and vectors with clinical and genomic tables to predictions.

    from msfusion_sdk import SlideEncoder
    vector = SlideEncoder.from_pretrained().encode("case.svs").vector

Public names are loaded when they are first used, so that importing the package costs
milliseconds, loads no torch and touches no network; ``__init__.pyi`` beside this file lists them.
"""

import lazy_loader

from msfusion_sdk._moved import install
from msfusion_sdk._version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
install()
