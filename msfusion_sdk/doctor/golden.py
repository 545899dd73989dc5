"""A slide that is made, and the vector that the model inside the package must give it.

``python -m msfusion_sdk.doctor.golden`` writes the vector anew, after the model has changed.
"""

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msfusion_sdk.encoder.slide_encoder import SlideEncoder
from msfusion_sdk.testing import make_slide

__all__ = ["GOLDEN", "encode_golden_slide", "write_golden"]

GOLDEN = Path(__file__).parent / "golden.npy"
SMALL: dict[str, object] = {"patch_size_px": 256, "stride_px": 512}


def encode_golden_slide(encoder: SlideEncoder) -> NDArray[np.float32]:
    """Return the vector, shape (1024,), of four small patches of a synthetic slide."""
    with tempfile.TemporaryDirectory() as folder:
        path = make_slide(
            Path(folder) / "golden.svs", 768, 768, tissue="full", seed=0, downsamples=(1,)
        )
        small = encoder.with_config(encoder.config.updated(patches=SMALL))
        return np.asarray(small.encode(path, threads=0), np.float32)


def write_golden() -> None:
    """Store the vector that the model inside the package gives in fp32 on the CPU."""
    encoder = SlideEncoder.from_pretrained(device="cpu", precision="fp32")
    np.save(GOLDEN, encode_golden_slide(encoder).astype(np.float16))


if __name__ == "__main__":
    write_golden()
