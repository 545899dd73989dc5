"""The model card of networks that were put together: where they are from, what may be done."""

from msfusion_sdk.config import EncoderConfig, FeatureNetworksConfig, NetworkFacts

__all__ = ["network_card"]


def network_card(config: EncoderConfig) -> str:
    """Return a model card as Markdown, from the facts alone."""
    network = config.network
    assert isinstance(network, FeatureNetworksConfig)
    patches = config.patches
    images = f"{patches.tiles} × {patches.tiles} tiles of {patches.tile_size_px} px"
    if not patches.single_scale:
        images += (
            f" and a context image of {patches.context_size_px} px at {patches.context_mpp:g} µm/px"
        )
    trained = "trained" if network.attention.trained else "not trained: every image counts alike"
    parts = [
        f"# {config.name}",
        "",
        f"Slide vectors of {config.vector_length} numbers from frozen networks. Research use only: "
        "not for diagnosis or for any decision about a patient.",
        "",
        f"A patch is {patches.patch_size_px} px at {patches.target_mpp:g} µm per pixel "
        f"({patches.patch_size_um:g} µm): {images}. The attention is {trained}.",
    ]
    for scale, facts in network.facts().items():
        if scale == "context" and network.shared:
            parts += ["", "The context images go through the same network."]
        else:
            parts += ["", f"## The {scale} network", "", *_rows(facts)]
    return "\n".join(parts) + "\n"


def _rows(facts: NetworkFacts) -> list[str]:
    weights, licence = facts.weights, facts.licence
    spacing = ", ".join(f"{mpp:g}" for mpp in facts.mpp) or "not stated"
    rows = {
        "network": facts.name,
        "built by": f"{facts.source} {facts.architecture}".strip(),
        "weights": "" if weights is None else weights.origin,
        "commit": "" if weights is None else weights.revision or "",
        "SHA-256": "" if weights is None else weights.sha256,
        "carried": "" if weights is None else "yes" if weights.carried else "no, by reference",
        "trained at": f"{spacing} µm per pixel",
        "readout": f"{facts.readout}, {facts.features} features",
        "licence": "not stated: do not share" if licence is None else licence.name,
        "terms": "" if licence is None else licence.url,
        "may be shared": "yes" if facts.may_be_shared else "no",
        "commercial use": "yes" if licence is not None and licence.commercial else "no or unknown",
        "cite": "" if licence is None else licence.citation,
    }
    table = [f"| {name} | {text} |" for name, text in rows.items() if text]
    return ["| | |", "| --- | --- |", *table]
