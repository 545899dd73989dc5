"""Networks that people use: facts alone, no weights and no code of theirs.

``known.json`` holds what permissively licensed sources say of each: how it is built, what it
takes, what it gives, what its licence is.  Parameter counts are checked without weights by a
test.  Nothing here decides what a network is: that is the SHA-256 of its weights.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import Field

from msfusion_sdk.config import FrozenConfig, Licence, NetworkFacts, NetworkSource, Readout
from msfusion_sdk.errors import ModelIdError

__all__ = ["KnownNetwork", "known_by_hub", "known_by_word", "known_network", "known_networks"]


class KnownNetwork(FrozenConfig):
    """What is known of one published network."""

    name: str
    hub: str = Field(description="organisation/name, '' where it is on no hub")
    source: NetworkSource
    architecture: str
    arguments: dict[str, Any]
    parameters_m: float | None = Field(description="millions, as published; None: not found")
    parameters_from: str
    features: int
    readout: Readout
    image_px: int
    multiple_px: int | None
    mpp: tuple[float, ...]
    pixel_mean: tuple[float, float, float]
    pixel_std: tuple[float, float, float]
    licence: Licence
    loads_by: Literal["timm", "torchvision", "transformers", "its own code"]
    note: str = ""
    weights_run: bool = Field(description="whether anybody ran its weights with this package")

    def facts(self) -> NetworkFacts:
        """Return the facts of the network, its weights left open."""
        kept = set(NetworkFacts.model_fields) & set(type(self).model_fields)
        return NetworkFacts(**self.model_dump(include=kept))

    def geometry(self) -> dict[str, object]:
        """Return the settings of patches that its name stands for: two scales, 2 x 2 tiles.

        Read at 0.5 µm per pixel where it was trained at several; without any it is not published.
        """
        edge = 2 * self.image_px
        size: dict[str, object] = {"patch_size_px": edge, "stride_px": edge}
        if not self.mpp:
            return size
        # The commonest spacing among published networks: that of a 20x scan.
        return {**size, "target_mpp": 0.5 if 0.5 in self.mpp else self.mpp[0]}


@cache
def known_networks() -> dict[str, KnownNetwork]:
    """Return all known networks by name."""
    text = files(__package__).joinpath("known.json").read_text(encoding="utf-8")
    return {
        name: KnownNetwork.model_validate({"name": name, **fields})
        for name, fields in json.loads(text).items()
    }


def known_network(name: str) -> KnownNetwork:
    """Return one known network.

    Raises
    ------
    ModelIdError
        When there is none of this name.
    """
    known = known_networks()
    if name not in known:
        msg = (
            f"No network {name!r} is known (known: {', '.join(known)}). Give its facts instead: "
            "see docs/networks.md."
        )
        raise ModelIdError(msg)
    return known[name]


def known_by_hub(repository: str) -> KnownNetwork | None:
    """Return what is known of a hub repository; case counts as little as it does there."""
    wanted, all_known = repository.lower(), known_networks().values()
    return next((known for known in all_known if known.hub and known.hub.lower() == wanted), None)


@cache  # asked for every file of a folder, and the word is the same in all
def known_by_word(word: str) -> KnownNetwork | None:
    """Return the network that a program means by a word in its files: ``Virchow2``, ``virchow_2``.

    Only what reads like its name or its repository; programs have words of their own as well.
    """
    plain = _plain(word)
    for known in known_networks().values():
        if plain in (_plain(known.name), _plain(known.hub.partition("/")[2])):
            return known
    return None


def _plain(word: str) -> str:
    return "".join(letter for letter in word.lower() if letter.isalnum())
