from .estimators.base import FusionEstimator as FusionEstimator
from .estimators.classifier import FusionClassifier as FusionClassifier
from .estimators.regressor import FusionRegressor as FusionRegressor
from .estimators.survival import FusionSurvival as FusionSurvival
from .strategies.strategies import BASES as BASES
from .strategies.strategies import STRATEGIES as STRATEGIES
