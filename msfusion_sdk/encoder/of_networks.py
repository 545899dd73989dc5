"""An encoder made of feature networks by name, file or module."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from torch import nn

from msfusion_sdk.config import NetworkFacts, Readout, Score, Summary
from msfusion_sdk.encoder.backends.devices import choose_runtime
from msfusion_sdk.encoder.held_model import HeldModel
from msfusion_sdk.encoder.sources.assembling import Assembly, assemble
from msfusion_sdk.encoder.sources.naming import NetworkSpec
from msfusion_sdk.encoder.weights.network_card import network_card
from msfusion_sdk.encoder.weights.references import place_of
from msfusion_sdk.encoder.weights.sending import own_sha256

__all__ = ["MadeOfNetworks"]


class MadeOfNetworks(HeldModel):
    """What makes an encoder of any networks; ``SlideEncoder`` has it."""

    @classmethod
    def from_networks(
        cls,
        detail: str | Path | nn.Module | NetworkSpec,
        context: str | Path | nn.Module | NetworkSpec | None = "same",
        *,
        facts: NetworkFacts | None = None,
        weights: str | Path | None = None,
        device: str = "auto",
        precision: str = "auto",
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        preset: str | None = None,
        target_mpp: float | None = None,
        allow_mpp: float | None = None,
        geometry: Mapping[str, object] | None = None,
        readout: Readout | None = None,
        score: Score = "none",
        summary: Summary = "projected",
        name: str | None = None,
    ) -> Self:
        """Make an encoder of any feature networks, with an attention that can be trained.

        Parameters
        ----------
        detail : str, Path, torch.nn.Module or NetworkSpec
            The network of the tiles: ``hf-hub:org/name@<commit>``, ``local-dir:/path`` or
            another form of docs/networks.md, or a module with ``facts``.
        context : as detail, 'same' or None
            That of the context images: 'same' shares the one of the tiles, with an attention
            of its own; None for tiles alone.
        facts : NetworkFacts, optional
            What ``detail`` does not say of itself.
        weights : path, optional
            A safetensors file, for an architecture that is named without weights.
        device, precision, cache_dir, local_files_only
            As in ``from_pretrained``.
        preset : str, optional
            A known network (``msfusion models``), whose facts and geometry are taken.
        target_mpp : float, optional
            µm per pixel of the tiles; needed where the network states none, or several without 0.5.
        allow_mpp : float, optional
            A spacing that is allowed although the network was not trained at it.
        geometry : mapping, optional
            Fields of ``PatchConfig``; otherwise 2 x 2 tiles of the network's image size.
        readout : str, optional
            Instead of that of the facts.
        score : 'none', 'attention' or 'evidence'
            'none' until an attention is trained.
        summary : 'projected' or 'channel'
            What the attention sees of the map's channels.
        name : str, optional
            Of the model; that of the network by default.

        Raises
        ------
        WeightsError, ShapeError
            When something does not fit, each with what to do.
        """
        made = assemble(
            NetworkSpec.of(detail, weights, facts),
            None if context is None else NetworkSpec.of(context),
            Assembly(
                preset=preset,
                target_mpp=target_mpp,
                allow_mpp=allow_mpp,
                geometry=geometry,
                readout=readout,
                score=score,
                summary=summary,
                name=name,
            ),
            cache_dir=cache_dir,
            local_files_only=local_files_only,
        )
        return cls(
            made.model,
            made.config,
            choose_runtime(device, precision),
            weights_sha256=own_sha256(made.model),
            card=network_card(made.config),
            places={scale: place_of(opened) for scale, opened in made.opened.items()},
        )
