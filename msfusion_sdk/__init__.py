"""Whole slides to vectors, and vectors with clinical and genomic tables to predictions.

    from msfusion_sdk import SlideEncoder
    vector = SlideEncoder.from_pretrained().encode("case.svs").vector

Public names are loaded when they are first used, so that importing the package costs
milliseconds, loads no torch and touches no network.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from msfusion_sdk._version import __version__ as __version__

if TYPE_CHECKING:
    from msfusion_sdk.cohort.cohort import Cohort
    from msfusion_sdk.config import EncoderConfig
    from msfusion_sdk.encoder.result.embedding import SlideEmbedding
    from msfusion_sdk.encoder.slide_encoder import SlideEncoder
    from msfusion_sdk.evaluation.evaluate import evaluate
    from msfusion_sdk.fusion.estimators.classifier import FusionClassifier
    from msfusion_sdk.fusion.estimators.survival import FusionSurvival
    from msfusion_sdk.registry import list_adapters
    from msfusion_sdk.slides.readers.opening import open_slide
    from msfusion_sdk.study.slide_classifier import SlideClassifier

__all__ = [
    "Cohort",
    "EncoderConfig",
    "FusionClassifier",
    "FusionSurvival",
    "SlideClassifier",
    "SlideEmbedding",
    "SlideEncoder",
    "evaluate",
    "list_adapters",
    "open_slide",
]

_HOMES = {
    "Cohort": "msfusion_sdk.cohort.cohort",
    "EncoderConfig": "msfusion_sdk.config",
    "SlideClassifier": "msfusion_sdk.study.slide_classifier",
    "SlideEmbedding": "msfusion_sdk.encoder.result.embedding",
    "SlideEncoder": "msfusion_sdk.encoder.slide_encoder",
    "FusionClassifier": "msfusion_sdk.fusion.estimators.classifier",
    "FusionSurvival": "msfusion_sdk.fusion.estimators.survival",
    "evaluate": "msfusion_sdk.evaluation.evaluate",
    "list_adapters": "msfusion_sdk.registry",
    "open_slide": "msfusion_sdk.slides.readers.opening",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
