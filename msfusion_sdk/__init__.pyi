from .cohort.cohort import Cohort as Cohort
from .config import EncoderConfig as EncoderConfig
from .encoder.result.embedding import SlideEmbedding as SlideEmbedding
from .encoder.slide_encoder import SlideEncoder as SlideEncoder
from .evaluation.evaluate import evaluate as evaluate
from .fusion.estimators.classifier import FusionClassifier as FusionClassifier
from .fusion.estimators.regressor import FusionRegressor as FusionRegressor
from .fusion.estimators.survival import FusionSurvival as FusionSurvival
from .registry import list_adapters as list_adapters
from .slides.opening import open_slide as open_slide
from .study.slide_classifier import SlideClassifier as SlideClassifier

__version__: str
