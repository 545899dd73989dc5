"""The model inside the package: its bytes, its golden output, and a slide from end to end."""

import numpy as np

from msfusion_sdk._version import __version__
from msfusion_sdk.doctor.finding import Finding
from msfusion_sdk.doctor.golden import GOLDEN, encode_golden_slide
from msfusion_sdk.encoder.slide_encoder import SlideEncoder
from msfusion_sdk.errors import MsfusionError, WeightsError

__all__ = ["check_model"]

# bf16 gives 0.99999, another slide of the same kind 0.991.
SAME = 0.999
REINSTALL = f"pip install --force-reinstall --no-deps msfusion-sdk=={__version__}"


def check_model() -> list[Finding]:
    """Load the model as everyone does, and encode a slide whose vector is known."""
    try:
        encoder = SlideEncoder.from_pretrained()
    except WeightsError as error:
        return [Finding(check="model", level="problem", found=str(error), remedy=REINSTALL)]
    found = f"{encoder.config.name}: hash and golden output agree"
    return [Finding(check="model", level="ok", found=found), _self_test(encoder)]


def _self_test(encoder: SlideEncoder) -> Finding:
    where = f"{encoder.runtime.device} in {encoder.runtime.precision}"
    try:
        vector = encode_golden_slide(encoder)
    # Drivers and full memory show as RuntimeError, a temporary folder without space as OSError.
    except (MsfusionError, OSError, RuntimeError) as error:
        found = f"A slide could not be encoded on {where}: {type(error).__name__}: {error}"
        remedy = "Resolve the other findings first. On a GPU, see whether --device cpu works."
        return Finding(check="self-test", level="problem", found=found, remedy=remedy)
    golden = np.load(GOLDEN).astype(np.float32)
    cosine = float(vector @ golden / (np.linalg.norm(vector) * np.linalg.norm(golden)))
    found = f"a synthetic slide, encoded on {where}, has cosine {cosine:.4f} to its stored vector"
    if cosine >= SAME:
        return Finding(check="self-test", level="ok", found=found)
    remedy = f"{REINSTALL}  On a GPU, see whether --device cpu --precision fp32 differs."
    return Finding(
        check="self-test", level="problem", found=f"{found}; {SAME} is needed.", remedy=remedy
    )
