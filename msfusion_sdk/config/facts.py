"""What is known of a feature network: where it is from, what it takes, what it gives.

Frozen, and part of the configuration, the model card and the fingerprint.  A name never stands
for a network: the SHA-256 of its weights, its arguments, pixel statistics and readout do.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from msfusion_sdk.config.base import FrozenConfig

__all__ = ["Licence", "NetworkFacts", "NetworkSource", "Readout", "WeightsFacts"]

NetworkSource = Literal["built", "timm", "torchvision", "module", "program"]
"""What makes the network: this package, a library, the caller's code, or a file of operations."""

Readout = Literal["pooled", "cls", "cls+mean", "mean", "attended", "cls+attended"]
"""How one vector comes from what the network gives for an image."""

# Statistics of pixels in 0..255 would make every image black, and no error would say so.
Mean = Annotated[float, Field(ge=0, le=1)]
Std = Annotated[float, Field(gt=0, le=1)]
Spacing = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Licence(FrozenConfig):
    """What may be done with the weights, as their publisher states it."""

    name: str = Field(min_length=1, description="an SPDX identifier where there is one")
    url: str = Field("", description="where it is read, and accepted where that is needed")
    gated: bool = Field(False, description="the publisher asks for an account and consent")
    may_be_shared: bool = Field(False, description="whether copies may be given to others")
    commercial: bool = Field(False, description="whether commercial use is allowed")
    citation: str = ""


class WeightsFacts(FrozenConfig):
    """The weights of a network, by content."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the file, or of all tensors")
    origin: str = Field(description="hf-hub:org/name, or what kind of thing holds them; no path")
    revision: str | None = Field(
        None, pattern=r"^[0-9a-f]{40}$", description="commit of the repository"
    )
    carried: bool = Field(False, description="a copy lies in the model folder")


class NetworkFacts(FrozenConfig):
    """One feature network."""

    name: str = Field(min_length=1, description="what people call it; not its identity")
    source: NetworkSource = "module"
    architecture: str = Field("", description="the library's name for it")
    arguments: dict[str, Any] = Field({}, description="of the architecture; plain JSON")
    weights: WeightsFacts | None = Field(None, description="found when the network is loaded")
    image_px: int = Field(ge=1, description="edge of the images it was trained on")
    multiple_px: int | None = Field(
        None, ge=1, description="other edges must be multiples of this; None: image_px alone"
    )
    mpp: tuple[Spacing, ...] = Field(
        (), description="µm per pixel it was trained at; none stated: ()"
    )
    pixel_mean: tuple[Mean, Mean, Mean] = Field(description="of R, G, B in 0..1")
    pixel_std: tuple[Std, Std, Std] = Field(description="of R, G, B in 0..1")
    readout: Readout = "pooled"
    features: int = Field(ge=1, description="length of the vector of one image")
    licence: Licence | None = None

    def takes(self, edge_px: int) -> bool:
        """Return whether images of this edge fit the network."""
        is_usual = edge_px == self.image_px
        return is_usual or (self.multiple_px is not None and edge_px % self.multiple_px == 0)

    def identity(self) -> dict[str, Any]:
        """Return what decides the vector of an image: no name, place, licence or trained spacing.

        Two networks of equal identity give equal vectors; the spacing at which slides are read
        is part of the settings of the patches.
        """
        weights = None if self.weights is None else self.weights.sha256
        # What is left out can change without a vector changing.
        kept = {"source", "architecture", "arguments", "pixel_mean", "pixel_std", "readout"}
        return {**self.model_dump(mode="json", include=kept), "weights_sha256": weights}

    @property
    def may_be_shared(self) -> bool:
        """Whether copies of the weights may be given to others; unknown is no."""
        return self.licence is not None and self.licence.may_be_shared
