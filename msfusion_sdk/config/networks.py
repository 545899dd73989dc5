"""Settings of the two feature networks (method step 4): ours, or any others, with attention."""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from msfusion_sdk.config.base import FrozenConfig
from msfusion_sdk.config.facts import NetworkFacts

__all__ = [
    "FEATURES",
    "PATCH_VECTOR",
    "AnyNetworkConfig",
    "AttentionConfig",
    "FeatureNetworksConfig",
    "NetworkConfig",
    "Summary",
]

FEATURES = 512
"""What a network of the method, ResNet-18 with spatial attention, makes of one image."""
PATCH_VECTOR = 2 * FEATURES
"""Context features, then detail features, of a model of the method."""

OURS, OTHERS = "resnet18-spatial-attention", "feature-networks"
Summary = Literal["channel", "projected"]
"""What an attention sees of the channels: mean and maximum, or two learned combinations."""


class NetworkConfig(FrozenConfig):
    """Both networks as the method writes them: ResNet-18 with spatial attention."""

    architecture: Literal["resnet18-spatial-attention"] = "resnet18-spatial-attention"
    classes: tuple[str, ...] = Field(
        ("lung_aca", "lung_n", "lung_scc"),
        min_length=2,
        description="of the classifier that trains the networks; order of its logits",
    )
    background: str | None = Field(
        None, description="the class of tissue without the finding, where there is one"
    )
    # The statistics of ImageNet, customary for ResNets.
    pixel_mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    pixel_std: tuple[float, float, float] = (0.229, 0.224, 0.225)

    @model_validator(mode="after")
    def _check(self) -> Self:
        _require_known(self.background, self.classes)
        return self

    @property
    def context_features(self) -> int:
        """Length of the vector of a context image."""
        return FEATURES

    @property
    def detail_features(self) -> int:
        """Length of the vector of a tile."""
        return FEATURES


class AttentionConfig(FrozenConfig):
    """The spatial attention over the maps of a network that has none of its own."""

    summary: Summary = "projected"
    kernel: Literal[3, 7] = Field(3, description="edge of the convolution; 3 on grids below 14")
    trained: bool = Field(False, description="untrained, every place and image counts alike")


class FeatureNetworksConfig(FrozenConfig):
    """Frozen networks from elsewhere, each with an attention of ours."""

    architecture: Literal["feature-networks"] = "feature-networks"
    detail: NetworkFacts
    context: NetworkFacts | None = Field(None, description="None: tiles alone")
    shared: bool = Field(False, description="one network with two attentions")
    attention: AttentionConfig = AttentionConfig()
    classes: tuple[str, ...] = Field((), description="of the classifier that trains the attention")
    background: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        _require_known(self.background, self.classes)
        if len(self.classes) == 1:
            msg = f"One class, {self.classes[0]!r}, tells nothing apart: give two, or none."
            raise ValueError(msg)
        if self.shared and self.context != self.detail:
            msg = "One shared network has the same facts for context and detail."
            raise ValueError(msg)
        return self

    @property
    def context_features(self) -> int:
        """Length of the vector of a context image; 0 without a context network."""
        return 0 if self.context is None else self.context.features

    @property
    def detail_features(self) -> int:
        """Length of the vector of a tile."""
        return self.detail.features

    def facts(self) -> dict[str, NetworkFacts]:
        """Return the facts of each network by its scale; a shared one stands under both."""
        both = {"context": self.context, "detail": self.detail}
        return {scale: facts for scale, facts in both.items() if facts is not None}

    def identity(self) -> dict[str, Any]:
        """Return what decides a vector, apart from names and places."""
        settings = self.model_dump(mode="json", exclude={"context", "detail"}, exclude_none=True)
        return settings | {scale: facts.identity() for scale, facts in self.facts().items()}


def _require_known(background: str | None, classes: tuple[str, ...]) -> None:
    if background is not None and background not in classes:
        msg = f"background {background!r} is none of the classes {classes}."
        raise ValueError(msg)


def _kind(value: Any) -> str:
    is_mapping = isinstance(value, dict)
    # What is neither is refused by the class that it is then taken for.
    found = value.get("architecture") if is_mapping else getattr(value, "architecture", None)
    return OTHERS if found == OTHERS else OURS


AnyNetworkConfig = Annotated[
    Annotated[NetworkConfig, Tag(OURS)] | Annotated[FeatureNetworksConfig, Tag(OTHERS)],
    Discriminator(_kind),
]
