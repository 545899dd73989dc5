"""Whether settings and networks fit: sizes of images, spacings, what an attention has learned."""

from msfusion_sdk.config import EncoderConfig, FeatureNetworksConfig, NetworkFacts
from msfusion_sdk.errors import ImageSizeError, NetworkSpacingError, UntrainedAttentionError

__all__ = ["require_fitting", "require_spacing"]

TOLERANCE = 0.02
"""Share by which two spacings may differ and count as the same, as in reading a slide."""


def require_fitting(config: EncoderConfig) -> None:
    """Raise unless the networks can take the images that the patches are cut into.

    Raises
    ------
    ImageSizeError
    UntrainedAttentionError
        When scores by attention are asked of one that was never trained.
    """
    network, patches = config.network, config.patches
    if not isinstance(network, FeatureNetworksConfig):
        return
    edges = {"detail": patches.tile_size_px, "context": patches.context_size_px}
    for scale, facts in network.facts().items():
        if not facts.takes(edges[scale]):
            raise _wrong_size(facts, edges[scale], scale, config)
    if config.fusion.score == "attention" and not network.attention.trained:
        msg = (
            f"The attention over {network.detail.name} was never trained: it gives every place and "
            "image 0.5, so scores by attention would be none. Train it, msfusion pretrain tiles "
            "--network MODEL, or keep score='none', the plain mean."
        )
        raise UntrainedAttentionError(msg)


def require_spacing(facts: NetworkFacts, target_mpp: float | None, allow: float | None) -> float:
    """Return the spacing at which tiles are read for a network, or raise.

    Parameters
    ----------
    target_mpp : float, optional
        As asked for; None takes the network's own where it has one alone, or 0.5 among them.
    allow : float, optional
        A spacing that is allowed although the network was not trained at it.

    Raises
    ------
    NetworkSpacingError
    """
    stated = ", ".join(f"{mpp:g}" for mpp in facts.mpp) or "none stated"
    if target_mpp is None:
        usual = [mpp for mpp in facts.mpp if mpp == 0.5] or list(facts.mpp)
        # None or several: which one is meant is never guessed.
        if len(usual) != 1:
            msg = (
                f"{facts.name} does not say at how many µm per pixel to read slides (trained at: "
                f"{stated}). Pass target_mpp, for example 0.5."
            )
            raise NetworkSpacingError(msg)
        return usual[0]
    accepted = [*facts.mpp, *([] if allow is None else [allow])]
    if accepted and not any(abs(target_mpp / mpp - 1) <= TOLERANCE for mpp in accepted):
        msg = (
            f"{facts.name} was trained at {stated} µm per pixel, and target_mpp={target_mpp:g} was "
            f"asked for. Use one of its own, or allow it by name: allow_mpp={target_mpp:g}."
        )
        raise NetworkSpacingError(msg)
    return target_mpp


def _wrong_size(
    facts: NetworkFacts, edge: int, scale: str, config: EncoderConfig
) -> ImageSizeError:
    takes = (
        f"{facts.image_px} px alone"
        if facts.multiple_px is None
        else f"multiples of {facts.multiple_px} px, {facts.image_px} in training"
    )
    patches = config.patches
    what, remedy = "tiles", f"patch_size_px={2 * facts.image_px} with tiles=2"
    if scale == "context":
        what, remedy = "context images", f"context_px={facts.image_px} with a multiple of it"
        remedy += " as patch_size_px"
    return ImageSizeError(
        f"{facts.name} takes images of {takes}, and the {what} have {edge} px (patch_size_px="
        f"{patches.patch_size_px}, tiles={patches.tiles}, context_px={patches.context_px}). Use "
        f"geometry={{…}}: {remedy}, for example."
    )
