"""A model with its settings and its device: loaded, changed, saved, and sent to processes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from torch import nn

from msfusion_sdk.bags.learned import HasAttention, LearnedAttention
from msfusion_sdk.config import EncoderConfig
from msfusion_sdk.encoder.backends.base import Backend, weights_stamp
from msfusion_sdk.encoder.backends.choosing import make_backend
from msfusion_sdk.encoder.backends.devices import Runtime, choose_runtime
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.encoder.sources.checks import require_fitting
from msfusion_sdk.encoder.weights.encoder_folder import (
    load_model_folder,
    model_fingerprint,
    write_model_folder,
)
from msfusion_sdk.encoder.weights.hub import locate_model
from msfusion_sdk.encoder.weights.patch_attention import (
    attention_config,
    read_attention,
    write_attention,
)
from msfusion_sdk.encoder.weights.references import Place
from msfusion_sdk.encoder.weights.sending import model_received, model_to_send
from msfusion_sdk.errors import SettingError, ShapeError
from msfusion_sdk.files import made_folder, require_free
from msfusion_sdk.storage.model_folder import CARD_FILE, MODEL

__all__ = ["HeldModel"]


class HeldModel:
    """What a ``SlideEncoder`` holds, without what it does with slides.

    Parameters
    ----------
    model, config, runtime, weights_sha256, card, places, attention
        As in ``SlideEncoder``.
    """

    def __init__(
        self,
        model: TwoScaleModel,
        config: EncoderConfig,
        runtime: Runtime,
        *,
        weights_sha256: str,
        card: str = "",
        places: Mapping[str, Place] | None = None,
        attention: LearnedAttention | None = None,
    ) -> None:
        require_fitting(config)
        self.model = model.to(runtime.device)
        self.config = config
        self.runtime = runtime
        self._weights_sha256 = weights_sha256
        self._card = card
        self._places = dict(places or {})
        self._attention = attention
        self._backend: Backend | None = None
        # The model and the sums of its weights for which the back end was made.
        self._made_for: object = None

    @classmethod
    def from_pretrained(
        cls,
        model: str | Path | None = None,
        *,
        revision: str | None = None,
        device: str = "auto",
        precision: str = "auto",
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        networks: Mapping[str, str | Path | nn.Module] | None = None,
    ) -> Self:
        """Load a trained model.

        Parameters
        ----------
        model : str or Path, optional
            None for the model inside the package (no network, no account), the name of
            another embedded model, a folder, or a hub id ``organisation/name``.
        revision : str, optional
            Commit of a hub repository; a branch gives a warning.
        device : 'auto', 'cpu', 'cuda', 'cuda:N', 'mps'
        precision : 'auto', 'fp32', 'bf16'
            'auto' is bf16 where the hardware computes in it, else fp32.
        cache_dir : path, optional
            Where hub downloads are kept.
        local_files_only : bool
            Never use the network.
        networks : mapping, optional
            ``detail`` and ``context``: where the networks are that the model holds by
            reference, as in ``from_networks``, or the modules themselves.

        Raises
        ------
        WeightsError
            When the model is not found, damaged, a pickle, or does not fit its settings.
        DeviceError
            When the device is not there.
        """
        runtime = choose_runtime(device, precision)
        folder = locate_model(
            model, revision=revision, cache_dir=cache_dir, local_files_only=local_files_only
        )
        found, manifest = load_model_folder(folder, networks, local_files_only=local_files_only)
        card, known = folder / CARD_FILE, manifest.encoder.attention
        return cls(
            found,
            manifest.encoder,
            runtime,
            weights_sha256=manifest.weights_sha256,
            card=card.read_text("utf-8", errors="replace") if card.is_file() else "",
            places=manifest.places,
            attention=None if known is None else read_attention(folder, known),
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the weights as they were loaded or last saved, and the settings.

        Vectors of equal fingerprints can be compared.
        """
        return model_fingerprint(self._weights_sha256, self.config)

    def with_config(self, config: EncoderConfig) -> Self:
        """Return an encoder with the same weights and other settings.

        The networks are shared.  The architecture and classes cannot be changed.
        """
        if config.network != self.config.network:
            msg = (
                "The network section belongs to the weights and cannot be changed; load another "
                "model."
            )
            raise SettingError(msg)
        if config.attention != self.config.attention:
            msg = "An attention is put in by with_attention and taken out by without_attention."
            raise SettingError(msg)
        return self._twin(self.model.with_settings(config), config, self.runtime)

    def with_attention(self, fitted: LearnedAttention | HasAttention) -> Self:
        """Return an encoder that fuses patches by attention learned from outcomes.

        The vector of a slide is then the mean of its patch vectors by these weights, which stand
        in its patch table.  They are saved with the encoder, and are part of its fingerprint.

        Parameters
        ----------
        fitted : LearnedAttention, or what has one as ``attention_``
            The adapter ``patches``, or an estimator that read a table by it, fitted on patches of
            this encoder.

        Raises
        ------
        ShapeError
            When it was learned from patch vectors of another length.
        """
        attention = fitted if isinstance(fitted, LearnedAttention) else fitted.attention_
        if attention.features != self.config.vector_length:
            msg = (
                f"The attention was learned from patches of {attention.features} numbers, and "
                f"those of {self.config.name} have {self.config.vector_length}. Fit it on patches "
                "of this encoder."
            )
            raise ShapeError(msg)
        config = self.config.model_copy(update={"attention": attention_config(attention)})
        twin = self._twin(self.model, config, self.runtime)
        twin._attention = attention
        return twin

    def without_attention(self) -> Self:
        """Return the encoder by whose patches its attention was learned; itself without one."""
        config = self.config.model_copy(update={"attention": None})
        twin = self._twin(self.model, config, self.runtime)
        twin._attention = None
        return twin

    def on_device(self, device: str, precision: str = "auto") -> Self:
        """Return an encoder with the same weights and settings that computes elsewhere.

        Parameters
        ----------
        device, precision
            As in ``from_pretrained``.
        """
        return self._twin(self.model, self.config, choose_runtime(device, precision))

    def _twin(self, model: TwoScaleModel, config: EncoderConfig, runtime: Runtime) -> Self:
        return type(self)(
            model,
            config,
            runtime,
            weights_sha256=self._weights_sha256,
            card=self._card,
            places=self._places,
            attention=self._attention,
        )

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write ``config.json``, ``model.safetensors`` and the model card; return the folder.

        An attention over patches is written too, as ``attention.safetensors``.

        After training, this is also what gives the changed weights their fingerprint.
        """
        return self._save(Path(folder), self._places)

    def _save(self, folder: Path, places: Mapping[str, Place]) -> Path:
        """Write the folder; networks from elsewhere are said to be at ``places``."""
        require_free(folder, MODEL, None)
        if self._attention is not None:
            write_attention(made_folder(folder), self._attention)
        manifest = write_model_folder(folder, self.model, self.config, self._card, places)
        # Now the weights have a file whose bytes can be named; until then nothing names a change.
        self._weights_sha256 = manifest.weights_sha256
        return folder

    def backend(self) -> Backend:
        """Return what computes the networks, made anew after the weights have changed."""
        made_for = (self.model, weights_stamp(self.model))
        if self._backend is None or self._made_for != made_for:
            self._backend, self._made_for = make_backend(self.model, self.runtime), made_for
        return self._backend

    def __getstate__(self) -> dict[str, Any]:
        # A back end belongs to the process that made it.
        sent = model_to_send(self.model, self._places)
        return {**self.__dict__, "model": sent, "_backend": None, "_made_for": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        model = model_received(state["model"], state["config"], state["_places"])
        self.__dict__.update({**state, "model": model.to(state["runtime"].device)})
