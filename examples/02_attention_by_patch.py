"""Which patches and tiles count most: ``python 02_attention_by_patch.py [SLIDE]``."""

import sys

from msfusion_sdk import SlideEncoder
from msfusion_sdk.testing import make_slide

path = sys.argv[1] if len(sys.argv) > 1 else make_slide("case.svs", 2400, 2400, coverage=0.8)

result = SlideEncoder.from_pretrained().encode(path)
table = result.patches.drop_columns("vector").to_pandas().sort_values("weight", ascending=False)
print("patches by their share of the slide vector; locations are level-0 pixels")
print(table.head(10).to_string(index=False))
