"""A model of the package that changes another one in part, and carries only what it changes.

Two models that share most of their weights would double the size of the package.  What is saved
from such a model is whole: ``save_pretrained`` writes every tensor.
"""

from pathlib import Path

from pydantic import Field

from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.encoder.weights.hub import embedded_models
from msfusion_sdk.errors import WeightsMismatchError

__all__ = ["Base", "base_folder"]


class Base(FrozenConfig):
    """Where the tensors are from that a model does not carry itself."""

    model: str = Field(description="name of a model inside the package")
    changed_sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="of the file with the other tensors"
    )


def base_folder(folder: Path, base: Base) -> Path:
    """Return the folder of the model below ``folder``.

    Raises
    ------
    WeightsMismatchError
        When the package has no such model.
    """
    embedded = embedded_models()
    # Of itself it would be read for ever.
    if base.model not in embedded or embedded[base.model] == folder:
        msg = (
            f"{folder} changes the model {base.model!r}, and this version of the SDK carries "
            f"{', '.join(embedded)}. Use the version that it came with."
        )
        raise WeightsMismatchError(msg)
    return embedded[base.model]
