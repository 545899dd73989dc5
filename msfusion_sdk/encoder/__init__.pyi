from .result.embedding import SlideEmbedding as SlideEmbedding
from .result.patch_weights import relative_weights as relative_weights
from .result.patch_weights import tile_weights as tile_weights
from .result.provenance import BadRegion as BadRegion
from .result.provenance import Provenance as Provenance
from .slide_encoder import SlideEncoder as SlideEncoder
from .weights.hub import embedded_models as embedded_models
