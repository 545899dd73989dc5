"""What a network answers, whatever its kind, as a map and a vector.

A library's own modules answer in four ways: one vector per image, tokens of a transformer, a map
with channels first, or one with channels last.
"""

import math
from typing import Any

from torch import Tensor

from msfusion_sdk.encoder.networks.contract import FeatureMaps
from msfusion_sdk.errors import NetworkFactsError

__all__ = ["maps_of_answer", "maps_of_tokens"]

MOST_PREFIX = 32
"""Class and register tokens before those of the places: more have not been seen."""


def maps_of_answer(answer: Any, edge_px: int, multiple_px: int | None = None) -> FeatureMaps:
    """Return what a module answered for images as a map and a vector.

    Parameters
    ----------
    answer : Tensor, or an object or mapping with ``last_hidden_state``
        Shape (image, S): pooled; (image, token, D): tokens; (image, D, h, w) or (image, h, w, D):
        a map.  Of a list or tuple the first, unless it holds several maps.
    edge_px : int
        Of the images.
    multiple_px : int, optional
        Edge of a transformer's patch: then the number of places is known and not inferred.

    Raises
    ------
    NetworkFactsError
        When it is none of these.
    """
    if isinstance(answer, (list, tuple)) and answer:
        _require_one_map(answer)
        answer = answer[0]
    pooled = _field(answer, "pooler_output")
    hidden = _field(answer, "last_hidden_state")
    value = hidden if hidden is not None else answer
    if isinstance(value, Tensor) and value.ndim == 2:
        return FeatureMaps(None, value)
    if isinstance(value, Tensor) and value.ndim == 3:
        return maps_of_tokens(value, _places(value.shape[1], edge_px, multiple_px), pooled)
    if isinstance(value, Tensor) and value.ndim == 4:
        # Maps are square: the two equal axes are height and width.
        is_last = value.shape[1] == value.shape[2] != value.shape[3]
        features = value.permute(0, 3, 1, 2) if is_last else value
        return FeatureMaps(features, features.mean((2, 3)) if pooled is None else pooled)
    found = tuple(value.shape) if isinstance(value, Tensor) else type(answer).__name__
    msg = (
        f"The network answers {found}, which is no vector, tokens or map per image. Wrap it in a "
        "module whose forward returns one tensor."
    )
    raise NetworkFactsError(msg)


def _require_one_map(answers: list[Any] | tuple[Any, ...]) -> None:
    shapes = [tuple(value.shape) for value in answers if isinstance(value, Tensor)]
    if sum(len(shape) == 4 for shape in shapes) > 1:
        msg = (
            f"The network answers several maps, {shapes}, and nothing says which is meant. Wrap it "
            "in a module whose forward returns one of them."
        )
        raise NetworkFactsError(msg)


def maps_of_tokens(tokens: Tensor, places: int, pooled: Tensor | None = None) -> FeatureMaps:
    """Return tokens, shape (image, token, D), as a map; what is before the places is left out.

    The vector is ``pooled``, or else the first token where there is one before the places.
    """
    edge = math.isqrt(places)
    grid = tokens[:, tokens.shape[1] - places :].transpose(1, 2)
    # shape[0] and not len: a converter must see that the batch is free.
    features = grid.reshape(tokens.shape[0], tokens.shape[2], edge, edge)
    if pooled is None and tokens.shape[1] > places:
        pooled = tokens[:, 0]
    return FeatureMaps(features, pooled)


def _places(tokens: int, edge_px: int, multiple_px: int | None) -> int:
    # The largest square; what is left over are class and register tokens.
    places = math.isqrt(tokens) ** 2
    if multiple_px is not None and edge_px % multiple_px == 0:
        exact = (edge_px // multiple_px) ** 2
        places = exact if exact <= tokens else places
    if tokens - places > MOST_PREFIX:
        msg = (
            f"The network answers {tokens} tokens, which are no square of places and a few tokens "
            "before them. State multiple_px, the edge of its patches, in the facts."
        )
        raise NetworkFactsError(msg)
    return places


def _field(answer: Any, name: str) -> Tensor | None:
    value = answer.get(name) if isinstance(answer, dict) else getattr(answer, name, None)
    return value if isinstance(value, Tensor) else None
