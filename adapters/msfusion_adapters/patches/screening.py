"""Where attention begins: which patches to look at, and what to read there.

From random weights, gradients do not find a finding in a twentieth of the patches: as long as
attention is even, what those patches say is lost in the mean of the others.  There are few simple
ways to look, though: at patches where one column is high, or where it is low.  What is read there
is the weighed mean of a bag's patches, along each of its principal axes over the bags.  With 64
columns these are 8,192 readings, and all of them are tried.  Each has a score test: how far it goes
with the derivative of the loss at score 0 (for survival, the martingale residuals).  The best of so
many goes with any outcome, so whoever uses it has to ask patients that it was not chosen by.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from msfusion_adapters.patches.columns import ReducedBags
from msfusion_adapters.patches.objective import Objective
from msfusion_sdk.arrays import Singles
from msfusion_sdk.bags.heads import Start
from msfusion_sdk.fusion.inputs.targets import Target

__all__ = ["Response", "look_all_ways", "look_of", "response_of", "screen"]

SHARPNESS = 2.0
"""A patch one deviation higher in a column weighs e² as much."""
LEAST = 1e-10
"""Of a variance between bags, where patches have 1."""


class Response(NamedTuple):
    """What a score should be near, by one step of Fisher scoring from score 0."""

    residuals: Singles
    """Minus the derivative of the loss at score 0, shape (patient, output)."""
    information: Singles
    """Mean square of each output's residuals, shape (output,); a score is their quotient."""


def response_of(patients: int, target: Target, objective: Objective) -> Response:
    """Return what the loss asks of scores that are all 0; for survival, martingale residuals."""
    scores = torch.zeros(patients, target.outputs, requires_grad=True)
    objective(scores, target).backward()
    assert scores.grad is not None
    residuals = -scores.grad.numpy() * len(scores)
    return Response(residuals, np.maximum((residuals**2).mean(0), 1e-18))


def look_all_ways(bags: ReducedBags) -> Singles:
    """Return the weighed mean of each bag's patches for each way to look, all patches read.

    Returns
    -------
    float32, shape (bag, 2 columns, column)
        Where a column is high, for each column; then where it is low.
    """
    every, rng = int(bags.sizes.max()), np.random.default_rng(0)
    rows = []
    for place in range(len(bags)):
        patches = bags.drawn(np.array([place]), every, rng)[0][0]
        weights = (SHARPNESS * torch.cat([patches, -patches], 1)).softmax(0)
        rows.append((weights.T @ patches).numpy())
    return np.stack(rows)


def screen(seen: Singles, response: Response) -> Start | None:
    """Return the way to look, and the one axis to read there, that go best with the outcome.

    None when all bags are alike.

    Parameters
    ----------
    seen : shape (bag, way, column)
        Of the bags to learn from, in the order of ``response``.
    """
    wanted = response.residuals / np.sqrt(len(seen) * response.information)
    best, start = -1.0, None
    for way, readings, axes in _readings(seen):
        # Of several outputs, such as classes, the one that a reading goes best with decides.
        found = np.abs(readings.T @ wanted).max(1)
        place = int(found.argmax())
        if found[place] > best:
            best = float(found[place])
            slopes = response.residuals.T @ readings[:, place] / len(seen) / response.information
            read = np.outer(axes[:, place], slopes).astype(np.float32)
            start = Start(look_of(way, seen.shape[2]), read, seen[:, way].mean(0) @ read)
    return start


def _readings(seen: Singles) -> Iterator[tuple[int, Singles, Singles]]:
    """Yield the readings of each way to look, each of deviation 1, and the axes they are along."""
    for way in range(seen.shape[1]):
        centred = seen[:, way] - seen[:, way].mean(0)
        squares, axes = np.linalg.eigh(centred.T @ centred / len(centred))
        # What does not differ between bags is rounding, and would be blown up to deviation 1.
        kept = squares > max(1e-6 * squares[-1], LEAST)
        if not kept.any():
            continue
        axes = axes[:, kept] / np.sqrt(squares[kept])
        yield way, centred @ axes, axes


def look_of(way: int, columns: int) -> Singles:
    """Return what each column adds to the logarithm of a weight, for one of all ways."""
    look = np.zeros(columns, np.float32)
    look[way % columns] = SHARPNESS if way < columns else -SHARPNESS
    return look
