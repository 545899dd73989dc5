"""The encoder: one slide file in, one ``SlideEmbedding`` out."""

import os
from pathlib import Path
from typing import Self

from torch import Tensor

from msfusion_sdk.config import EncoderConfig
from msfusion_sdk.deprecation import renamed_argument
from msfusion_sdk.encoder.backends.base import Backend, weights_stamp
from msfusion_sdk.encoder.backends.choosing import make_backend
from msfusion_sdk.encoder.backends.devices import Runtime, choose_runtime
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.encoder.result.embedding import SlideEmbedding
from msfusion_sdk.encoder.result.provenance import ModelIdentity, Provenance
from msfusion_sdk.encoder.run.describing import describe
from msfusion_sdk.encoder.run.encoding import Findings, Progress, encode_patches
from msfusion_sdk.encoder.run.staining import recolour_for
from msfusion_sdk.encoder.weights.hub import locate_model
from msfusion_sdk.encoder.weights.model_folder import (
    load_model_folder,
    model_fingerprint,
    write_model_folder,
)
from msfusion_sdk.slides.files.names import slide_id_of
from msfusion_sdk.slides.readers.opening import open_slide
from msfusion_sdk.slides.tissue.survey import Survey, survey_slide
from msfusion_sdk.storage.model_folder import CARD_FILE

__all__ = ["Progress", "SlideEncoder"]


class SlideEncoder:
    """Turn whole slides into vectors.

    Make one with ``from_pretrained`` and use it for many slides.  It holds no slide and can
    be sent to other processes.

    Parameters
    ----------
    model : TwoScaleModel
        The two networks and their fusion, a ``torch.nn.Module``.
    config : EncoderConfig
        Every setting that decides a vector.
    runtime : Runtime
        Device and precision to compute with.
    weights_sha256 : str
        Of the weights file, hexadecimal.
    card : str
        The model card, Markdown.
    """

    def __init__(
        self,
        model: TwoScaleModel,
        config: EncoderConfig,
        runtime: Runtime,
        *,
        weights_sha256: str,
        card: str = "",
    ) -> None:
        self.model = model.to(runtime.device)
        self.config = config
        self.runtime = runtime
        self._weights_sha256 = weights_sha256
        self._card = card
        self._backend: Backend | None = None
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
        networks, manifest = load_model_folder(folder)
        card = folder / CARD_FILE
        return cls(
            networks,
            manifest.encoder,
            runtime,
            weights_sha256=manifest.weights_sha256,
            card=card.read_text("utf-8", errors="replace") if card.is_file() else "",
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
            raise ValueError(msg)
        return type(self)(
            self.model.with_settings(config),
            config,
            self.runtime,
            weights_sha256=self._weights_sha256,
            card=self._card,
        )

    def on_device(self, device: str, precision: str = "auto") -> Self:
        """Return an encoder with the same weights and settings that computes elsewhere.

        Parameters
        ----------
        device, precision
            As in ``from_pretrained``.
        """
        return type(self)(
            self.model,
            self.config,
            choose_runtime(device, precision),
            weights_sha256=self._weights_sha256,
            card=self._card,
        )

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write ``config.json``, ``model.safetensors`` and the model card; return the folder.

        After training, this is also what gives the changed weights their fingerprint.
        """
        manifest = write_model_folder(Path(folder), self.model, self.config, self._card)
        self._weights_sha256 = manifest.weights_sha256
        return Path(folder)

    def forward(self, patches: Tensor) -> Tensor:
        """Return the slide vector, shape (length,), of one slide's patches, with gradients.

        Parameters
        ----------
        patches : shape (patch, 3, size, size), RGB in 0..255, on the encoder's device
            For end-to-end training; ``model.train()`` and the optimiser are the caller's.
        """
        return self.model.slide_vector(patches)

    def backend(self) -> Backend:
        """Return what computes the networks, made anew after the weights have changed."""
        made_for = (self.model, weights_stamp(self.model))
        if self._backend is None or self._made_for != made_for:
            self._backend, self._made_for = make_backend(self.model, self.runtime), made_for
        return self._backend

    @renamed_argument("workers", "threads", since="0.2", removal="0.3")
    def encode(
        self,
        path: str | os.PathLike[str],
        *,
        mpp: float | None = None,
        slide_id: str | None = None,
        batch_size: int | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> SlideEmbedding:
        """Encode one slide.

        Parameters
        ----------
        path : path
            A slide file, a folder of DICOM instances, or a plain image (needs ``mpp``).
        mpp : float, optional
            µm per pixel of level 0; wins over the slide's header.
        slide_id : str, optional
            The name without its suffix by default.
        batch_size : int, optional
            Patches per batch; the vector does not depend on it.
        threads : int, optional
            Reading threads beside the networks; 0 reads and computes in turn.  By default one
            beside a CPU, which the networks keep busy, and one a core beside a GPU.
        progress : callable, optional
            Called with (patches done, patches in all).

        Returns
        -------
        SlideEmbedding
            Always; a slide without tissue has the status 'empty' and a reason.

        Raises
        ------
        SlideError
            One of its subclasses, each with what to do next.
        """
        threads = self.runtime.reading_threads if threads is None else threads
        if threads < 0 or (batch_size is not None and batch_size < 1):
            msg = (
                "threads must be at least 0 and batch_size at least 1, got "
                f"{threads} and {batch_size}."
            )
            raise ValueError(msg)
        if any(module.training for module in self.model.modules()):
            # Batch statistics would make the vector depend on the batch, and change the weights.
            msg = "The model is in training mode. Call encoder.model.eval() before encoding."
            raise RuntimeError(msg)
        with open_slide(path, mpp=mpp) as slide:
            survey = survey_slide(slide, self.config)
            recolour, stain = recolour_for(slide, survey, self.config.stain)
            found = encode_patches(
                slide,
                survey,
                self.config,
                self.backend().features,
                recolour=recolour,
                batch_size=batch_size or self.runtime.batch_size,
                threads=threads,
                progress=progress,
            )
            slide.require_unchanged()
            provenance = describe(
                slide,
                survey,
                self.config,
                ModelIdentity(
                    name=self.config.name,
                    weights_sha256=self._weights_sha256,
                    fingerprint=self.fingerprint,
                ),
                self.runtime,
                stain=stain,
                bad_patches=found.bad,
                patches_with_missing_pixels=found.with_missing,
            )
        return _embedding(slide_id or slide_id_of(path), survey, found, provenance)

    def __getstate__(self) -> dict[str, object]:
        # A back end belongs to the process that made it.
        return {**self.__dict__, "_backend": None, "_made_for": None}


def _embedding(
    slide_id: str, survey: Survey, found: Findings, provenance: Provenance
) -> SlideEmbedding:
    table = found.patches.table()
    is_empty = table.num_rows == 0
    reasons = [survey.empty_reason] if is_empty else []
    return SlideEmbedding(
        slide_id=slide_id,
        status="empty" if is_empty else "ok_with_warnings" if provenance.warnings else "ok",
        reason="; ".join([*reasons, *provenance.warnings]),
        vector=None if is_empty else found.patches.vector(),
        patches=table,
        provenance=provenance,
        tissue=[
            [[(float(x), float(y)) for x, y in ring] for ring in polygon]
            for polygon in survey.tissue.contours()
        ],
    )
