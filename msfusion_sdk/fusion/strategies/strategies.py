"""Names of strategies and bases, and the fuser that each pair means."""

from collections.abc import Sequence
from typing import Literal, get_args

from msfusion_sdk.fusion.networks.layers import Encoding, Fusion
from msfusion_sdk.fusion.strategies.decision import DecisionFuser, Rule
from msfusion_sdk.fusion.strategies.fuser import Fuser
from msfusion_sdk.fusion.strategies.linear import LinearFuser
from msfusion_sdk.fusion.strategies.network_fusers import NetworkFuser

__all__ = ["BASES", "STRATEGIES", "Base", "Strategy", "make_fuser"]

Strategy = Literal[Rule, Fusion]
Base = Encoding

STRATEGIES: tuple[Strategy, ...] = (*get_args(Rule), *get_args(Fusion))
BASES: tuple[Base, ...] = get_args(Base)


def make_fuser(strategy: Strategy, base: Base, kinds: Sequence[str], seed: int) -> Fuser:
    """Return an unfitted fuser for modalities of these kinds.

    ``linear`` means ridge models for ``concat`` and the decision-level strategies, and embeddings
    of one layer for the others; ``mlp`` means networks whose embeddings have two layers.

    Raises
    ------
    ValueError
        When there is no such strategy or base.
    """
    for what, name, known in (("fusion", strategy, STRATEGIES), ("base", base, BASES)):
        if name not in known:
            msg = f"{what} must be one of {', '.join(known)}, and is {name!r}."
            raise ValueError(msg)

    def single(places: Sequence[int]) -> Fuser:
        if base == "linear":
            return LinearFuser([kinds[place] for place in places], seed)
        return NetworkFuser("concat", base, seed)

    if strategy == "concat":
        return single(range(len(kinds)))
    if strategy == "gated" or strategy == "low_rank" or strategy == "attention":
        return NetworkFuser(strategy, base, seed)
    return DecisionFuser(strategy, lambda place: single([place]))
