"""Array types of signatures: what the numbers are, where numpy only knows their width."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bools", "Floats", "Pixels", "Rows", "Singles"]

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
"""As torch and networks have them."""
Bools = NDArray[np.bool_]
Rows = NDArray[np.intp]
"""Places in another array: of patients, mostly."""
Pixels = NDArray[np.uint8]
"""RGB, shape (height, width, 3)."""
