"""The kinds of start that a head can have, found for each member among its own patients."""

from collections.abc import Sequence

import numpy as np

from msfusion_adapters.patches.columns import ReducedBags
from msfusion_adapters.patches.objective import SurvivalLoss, make_objective
from msfusion_adapters.patches.ridge import begin_by_ridge
from msfusion_adapters.patches.screening import look_all_ways, response_of, screen
from msfusion_sdk.arrays import Floats, Rows
from msfusion_sdk.bags.heads import Start
from msfusion_sdk.fusion.inputs.targets import Target

__all__ = ["find_starts"]


def find_starts(
    columns: ReducedBags,
    principal: Floats,
    target: Target,
    members: Sequence[Rows],
    loss: SurvivalLoss,
    most: int,
) -> list[list[Start]]:
    """Return the kinds of start, each with one per member: by one axis, and by ridge regression.

    The first finds a needle, such as a risk along one axis; the second a difference of many axes.
    A kind is left out when a member has none of it, as where all bags are alike.

    Parameters
    ----------
    principal : shape (column, component)
    members : sequence of int arrays
        The places of the bags that each learns from.
    most : int
        Patches of a bag that are looked at by several columns.
    """
    seen, rng = look_all_ways(columns), np.random.default_rng(0)
    some = [columns.drawn(np.array([n]), most, rng)[0][0].numpy() for n in range(len(columns))]
    kinds: list[list[Start]] = [[], []]
    for rest in members:
        own = target.rows(rest)
        response = response_of(len(rest), own, make_objective(own, loss))
        found = (
            screen(seen[rest], response),
            begin_by_ridge(seen[rest], [some[place] for place in rest], principal, response),
        )
        for kind, start in zip(kinds, found, strict=True):
            kind += [start] if start is not None else []
    return [kind for kind in kinds if len(kind) == len(members)]
