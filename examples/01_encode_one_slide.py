"""Encode one slide and keep everything: ``python 01_encode_one_slide.py [SLIDE]``."""

import sys

from msfusion_sdk import SlideEncoder
from msfusion_sdk.figures import write_overlay
from msfusion_sdk.testing import make_slide

# Without an argument a synthetic slide is made on the spot.
path = sys.argv[1] if len(sys.argv) > 1 else make_slide("case.svs", 2400, 1800, coverage=0.6)

result = SlideEncoder.from_pretrained().encode(path)
print(result)
print("vector", result.vector.shape, "tissue recall", result.provenance.tissue.tissue_recall)

result.to_parquet("case.parquet")
result.to_geojson("case.geojson")
write_overlay(path, result, "case.png")
