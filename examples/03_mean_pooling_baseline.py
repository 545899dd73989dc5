"""Attention fusion against mean pooling: ``python 03_mean_pooling_baseline.py [SLIDE]``."""

import sys

import numpy as np

from msfusion_sdk import SlideEncoder
from msfusion_sdk.testing import make_slide

path = sys.argv[1] if len(sys.argv) > 1 else make_slide("case.svs", 2400, 1800, coverage=0.6)

encoder = SlideEncoder.from_pretrained()
uniform = {"tile_weights": "uniform", "patch_weights": "uniform"}
baseline = encoder.with_config(encoder.config.updated(fusion=uniform))

fused, mean = (np.asarray(e.encode(path)) for e in (encoder, baseline))
cosine = fused @ mean / np.linalg.norm(fused) / np.linalg.norm(mean)
print(f"cosine between attention fusion and mean pooling: {cosine:.5f}")
