"""The encoder: one slide file in, one ``SlideEmbedding`` out."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import Tensor

from msfusion_sdk.deprecation import renamed_argument
from msfusion_sdk.encoder.of_networks import MadeOfNetworks
from msfusion_sdk.encoder.result.embedding import SlideEmbedding, of_original
from msfusion_sdk.encoder.result.provenance import ModelIdentity
from msfusion_sdk.encoder.run.one_slide import Computing, encode_file
from msfusion_sdk.encoder.weights.encoder_folder import model_fingerprint
from msfusion_sdk.errors import SlideError
from msfusion_sdk.monitoring.progress import ProgressLike, showing
from msfusion_sdk.phrases import html_table, one_line
from msfusion_sdk.places.url import Url, find_url
from msfusion_sdk.slides.files.names import slide_id_of

__all__ = ["SlideEncoder"]


class SlideEncoder(MadeOfNetworks):
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
    places : mapping, optional
        By scale, where networks from elsewhere are.
    attention : LearnedAttention, optional
        Weighs the patches of a slide, where ``config.attention`` says so.
    """

    def __repr__(self) -> str:
        return one_line("SlideEncoder", [repr(self.config.name), *self._facts().values()])

    def _repr_html_(self) -> str:
        return html_table(f"SlideEncoder {self.config.name}", self._facts())

    def _facts(self) -> dict[str, str]:
        patches, runtime = self.config.patches, self.runtime
        return {
            "vector": f"{self.config.vector_length} numbers",
            "patches": f"{patches.patch_size_um:g} µm at {patches.target_mpp:g} µm/px",
            "computes": f"{runtime.device} {runtime.precision} {runtime.backend}",
            "fingerprint": self.fingerprint[:12],
        }

    def forward(self, patches: Tensor) -> Tensor:
        """Return the slide vector, shape (length,), of one slide's patches, with gradients.

        Parameters
        ----------
        patches : shape (patch, 3, size, size), RGB in 0..255, on the encoder's device
            For end-to-end training; ``model.train()`` and the optimiser are the caller's.
        """
        if self._attention is not None:
            msg = (
                "The attention was learned on patches of these networks as they are, and means "
                "nothing when they are trained. Train encoder.without_attention()."
            )
            raise RuntimeError(msg)
        return self.model.slide_vector(patches)

    @renamed_argument("workers", "threads", since="0.2", removal="0.3")
    def encode(
        self,
        path: str | os.PathLike[str],
        *,
        mpp: float | None = None,
        slide_id: str | None = None,
        preset: str | None = None,
        batch_size: int | None = None,
        threads: int | None = None,
        progress: ProgressLike = None,
    ) -> SlideEmbedding:
        """Encode one slide.

        Parameters
        ----------
        path : path
            A slide file, a folder of DICOM instances, or a plain image (needs ``mpp``); or its
            address (``s3://``, ``gs://``, ``az://``, ``https://``), from where it is fetched into
            the system's folder of temporary files.
        mpp : float, optional
            µm per pixel of level 0; wins over the slide's header.
        slide_id : str, optional
            The name without its suffix by default.
        preset : str, optional
            Settings of tissue and patches by name: 'resection', 'biopsy', 'auto',
            'pale'; part of the fingerprint of the result.
        batch_size : int, optional
            Patches per batch; the vector does not depend on it.
        threads : int, optional
            Reading threads beside the networks; 0 reads and computes in turn.  By default one
            beside a CPU, which the networks keep busy, and one a core beside a GPU.
        progress : callable, None or False
            Called with (patches done, patches in all), or as
            :class:`~msfusion_sdk.monitoring.progress.Progress`.  None shows a bar in terminals
            and notebooks, False none.

        Returns
        -------
        SlideEmbedding
            Always; a slide without tissue has the status 'empty' and a reason.

        Raises
        ------
        SlideError
            One of its subclasses, each with what to do next.
        """
        if (url := find_url(path)) is not None:
            return self._encode_copy(
                url, mpp=mpp, slide_id=slide_id, preset=preset, batch_size=batch_size,
                threads=threads, progress=progress,
            )  # fmt: skip
        config = self.config if preset is None else self.config.with_preset(preset)
        model = ModelIdentity(
            name=config.name,
            weights_sha256=self._weights_sha256,
            fingerprint=model_fingerprint(self._weights_sha256, config),
        )
        if config.fusion != self.config.fusion:
            # The fusion is computed by the networks' own module.
            return self.with_config(config).encode(
                path, mpp=mpp, slide_id=slide_id, batch_size=batch_size, threads=threads,
                progress=progress,
            )  # fmt: skip
        # Not the path: the name of a folder can hold a patient's.
        name = slide_id or slide_id_of(path)
        with showing(progress) as tell:
            by = Computing.checked(
                self.model,
                self.runtime,
                batch_size,
                threads,
                lambda done, total: tell("patches", done, total),
            )
            result = encode_file(path, name, mpp, config, model, self.backend(), by)
        if self._attention is None:
            return result
        # Here: tables are loaded for it, which an encoder without it does without.
        from msfusion_sdk.encoder.run.attending import attended

        return attended(result, self._attention)

    def push_to_hub(
        self, hub_id: str, *, private: bool = True, message: str = "Add a slide encoder"
    ) -> str:
        """Send the encoder to the Hugging Face hub and return the commit, to be pinned.

        What is sent is what ``save_pretrained`` writes, without paths of this machine.  Others load
        it with ``from_pretrained(hub_id, revision=commit)``.

        Parameters
        ----------
        hub_id : str
            ``organisation/name``; made if it is not there.  Credentials are those that the hub's
            own tools keep.
        private : bool
            Whether a new repository is seen by its organisation alone; one that is there keeps
            what it is.
        message : str
            Of the commit.

        Raises
        ------
        WeightsLicenceError
            When a network in it may not be shared, or nobody knows whether it may.
        ModelIdError
            When the id is none, or the hub does not take it.
        MissingExtraError
            Without the extra ``[hub]``.
        """
        # Here: few need it.
        from msfusion_sdk.encoder.weights.pushing import (
            public_places,
            push_folder,
            require_hub_id,
            require_sharable,
        )

        require_hub_id(hub_id)
        require_sharable(self.config)
        places = public_places(self.config, self._places)
        with TemporaryDirectory(prefix="msfusion-") as folder:
            self._save(Path(folder), places)
            return push_folder(Path(folder), hub_id, private=private, message=message)

    def _encode_copy(
        self, url: Url, *, slide_id: str | None, progress: ProgressLike, **asked: Any
    ) -> SlideEmbedding:
        """Encode the slide at an address."""
        # Here, as above: it is needed by few.
        from msfusion_sdk.remote.copies import local_copy

        with (
            # A callable of two numbers is told of patches alone.
            showing(progress, "patches") as tell,
            local_copy(
                url, tell=lambda done, total: tell("kB fetched", done // 1000, total // 1000)
            ) as copy,
        ):
            try:
                result = self.encode(
                    copy.path, slide_id=slide_id or slide_id_of(url), progress=tell, **asked
                )
            except SlideError as error:
                raise type(error)(copy.named(error), retryable=error.retryable) from error
        return result if copy.stamp is None else of_original(result, copy.stamp)
