from .bag import Bag as Bag
from .bag import SlidePatches as SlidePatches
from .bag import bag_table as bag_table
from .heads import HEADS as HEADS
from .learned import LearnedAttention as LearnedAttention
from .pooling import attention_weights as attention_weights
from .pooling import gated_logits as gated_logits
from .pooling import pooled as pooled
