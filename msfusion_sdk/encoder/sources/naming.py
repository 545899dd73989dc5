"""How a source of a network is written: ``hf-hub:org/name@commit``, ``local-dir:/path``, …."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError
from torch import nn

from msfusion_sdk.config import NetworkFacts
from msfusion_sdk.encoder.kinds.programs import SUFFIXES
from msfusion_sdk.encoder.sources.known import known_networks
from msfusion_sdk.encoder.sources.registry import GROUP, list_networks
from msfusion_sdk.errors import ModelIdError, NetworkFactsError

__all__ = ["FORMS", "Named", "NetworkSpec", "checked_facts", "name_of_source"]

Kind = Literal["hub", "timm", "torchvision", "folder", "program", "plugin"]
FORMS = (
    "hf-hub:organisation/name@<commit>, timm:NAME@<commit>, timm:NAME or torchvision:NAME with "
    "weights=, local-dir:/path, a file .onnx or .xml, the name of an installed network, or a "
    "torch module with facts="
)


@dataclass(frozen=True, eq=False)
class NetworkSpec:
    """A network to be opened.

    Parameters
    ----------
    source : str, Path or torch.nn.Module
        One of the forms in docs/networks.md, or the module itself.
    weights : path, optional
        A safetensors file, for ``timm:NAME`` and ``torchvision:NAME``.
    facts : NetworkFacts or mapping, optional
        What the source does not say of itself; for a module and a program needed.

    Raises
    ------
    NetworkFactsError
        When the facts cannot be: three pixel statistics, a positive length, known words.
    """

    source: str | Path | nn.Module
    weights: str | Path | None = None
    facts: NetworkFacts | None = None

    def __post_init__(self) -> None:
        if self.facts is None or isinstance(self.facts, NetworkFacts):
            return
        # The way to set a field of a frozen dataclass while it is made.
        object.__setattr__(self, "facts", checked_facts(self.facts))

    @classmethod
    def of(
        cls,
        source: "str | Path | nn.Module | NetworkSpec",
        weights: str | Path | None = None,
        facts: NetworkFacts | None = None,
    ) -> "NetworkSpec":
        """Return a spec of these parts.

        Parameters
        ----------
        source : str, Path, torch.nn.Module or NetworkSpec
            A spec is returned as it is.
        weights, facts
            As of the class.
        """
        return source if isinstance(source, cls) else cls(source, weights, facts)  # type: ignore[arg-type]


def checked_facts(fields: Mapping[str, Any]) -> NetworkFacts:
    """Return the facts that these fields are.

    Raises
    ------
    NetworkFactsError
        When they cannot be; the message names each field.
    """
    try:
        return NetworkFacts.model_validate(fields)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, found['loc']))}: {found['msg']}, got {found['input']!r}"
            for found in error.errors()[:5]
        )
        msg = f"The facts of the network cannot be used: {problems}."
        raise NetworkFactsError(msg) from error


@dataclass(frozen=True)
class Named:
    """A source that is named by text."""

    kind: Kind
    name: str
    revision: str | None = None


def name_of_source(source: str | Path) -> Named:
    """Return what a text means.

    Raises
    ------
    ModelIdError, NetworkFactsError
        When it means nothing; the message lists the forms.
    """
    text = str(source)
    head, _, rest = text.partition(":")
    if head in ("hf-hub", "hf_hub"):
        name, _, revision = rest.partition("@")
        return Named("hub", name, revision or None)
    if head == "local-dir":
        return Named("folder", rest)
    if head == "timm":
        name, _, revision = rest.partition("@")
        return Named("timm", name, revision or None)
    if head == "torchvision":
        return Named("torchvision", rest)
    if text.endswith(SUFFIXES):
        return Named("program", text)
    if text.endswith(".safetensors"):
        msg = (
            f"{text} holds weights and does not say of which architecture. Write "
            f"timm:ARCHITECTURE or torchvision:ARCHITECTURE, with weights={text!r}."
        )
        raise NetworkFactsError(msg)
    # Last: asking for entry points looks through all installed packages.
    if text in list_networks():
        return Named("plugin", text)
    raise ModelIdError(_unknown(text))


def _unknown(text: str) -> str:
    known = known_networks().get(text)
    if known is not None and known.hub:
        return (
            f"{text} is known, and its weights are not in this package. Name them with their "
            f"commit, hf-hub:{known.hub}@<commit>, or a downloaded folder, local-dir:/path with "
            f"preset={text!r}."
        )
    return f"No network {text!r}: it is none of {FORMS} (installed under {GROUP!r}: none so named)."
