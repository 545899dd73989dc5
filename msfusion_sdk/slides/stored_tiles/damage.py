"""What tifffile raises on a file whose structure is damaged."""

import logging
import struct

import tifffile

__all__ = ["DAMAGE"]

# tifffile logs what it cannot parse; our errors say it, and a library does not print.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

# tifffile lets the errors of struct, of indexing and of its enumerations through.
DAMAGE = (
    tifffile.TiffFileError,
    struct.error,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    RuntimeError,  # of imagecodecs; NotImplementedError is one
)
