"""Bags and outcomes to learned attention, and to scores by parts that did not see a patient."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from msfusion_adapters.patches.columns import ReducedBags, learn_columns, reduced_bags
from msfusion_adapters.patches.objective import SurvivalLoss, make_objective
from msfusion_adapters.patches.starts import find_starts
from msfusion_adapters.patches.training import EPOCHS, Side, Together, Training, scores_of
from msfusion_sdk.arrays import Floats, Rows
from msfusion_sdk.bags.bag import Bag
from msfusion_sdk.bags.heads import STARTED, BagHead, Head, Start, make_head
from msfusion_sdk.bags.learned import LearnedAttention
from msfusion_sdk.fusion.inputs.design import prior_variances
from msfusion_sdk.fusion.inputs.targets import Target
from msfusion_sdk.fusion.strategies.expert_weights import fit_weights
from msfusion_sdk.fusion.strategies.fuser import fold_numbers

__all__ = ["Settings", "fit_attention", "learn_attention"]


TRIED = 40
"""Steps of each kind of start; the best one alone goes on."""
SMALL, MANY, FEW = 400, 10, 5
"""Up to how many patients there are how many members, and how many above."""
KEPT = 16
_LEARNED: dict[str, tuple[LearnedAttention, Floats]] = {}
"""What was learned last, the latest at the end; a megabyte each."""


class Settings(NamedTuple):
    """How attention is learned; see ``PatchesAdapter``."""

    head: Head
    columns: int
    members: int | None
    """None: by the number of patients."""
    most: int
    loss: SurvivalLoss
    seed: int


class _Member(NamedTuple):
    """A head and a ridge model that learned from all but one part of the patients."""

    head: BagHead
    scores: Floats
    """Of the head, for all patients, shape (patient, output)."""
    coef: Floats
    """Of the ridge model of plain mean vectors, shape (feature, output)."""
    offset: Floats


def fit_attention(
    bags: Sequence[Bag], target: Target, settings: Settings
) -> tuple[LearnedAttention, Floats]:
    """Return what ``learn_attention`` does, without learning the same twice.

    An evaluation fits a model beside the same model without one table, and with another one dealt
    out anew: the bags are the same in all of them.
    """
    labels = pd.util.hash_pandas_object(target.outcome.labels()).to_numpy().tobytes().hex()
    stamps = [slide.stamp for bag in bags for slide in bag.slides]
    sizes = [len(bag.slides) for bag in bags]
    key = hashlib.sha256(repr((settings, labels, sizes, stamps)).encode()).hexdigest()
    if key not in _LEARNED:
        _LEARNED[key] = learn_attention(bags, target, settings)
        # A dict keeps the order of insertion: the first is the oldest.
        while len(_LEARNED) > KEPT:
            _LEARNED.pop(next(iter(_LEARNED)))
    return _LEARNED[key]


def learn_attention(
    bags: Sequence[Bag], target: Target, settings: Settings
) -> tuple[LearnedAttention, Floats]:
    """Return what was learned, and the scores of the same patients by parts that did not see them.

    Each member learns from all but one part of the patients, and is stopped by the loss of those
    that the other members do not learn from: its own part decides nothing.

    Parameters
    ----------
    bags : sequence of Bag
        In the order of ``target``.

    Returns
    -------
    attention : LearnedAttention
    held_out : float64, shape (patient, output)
    """
    target.outcome.require("Attention over patches", 2)
    rng = np.random.default_rng(settings.seed)
    learned = learn_columns(bags, settings.columns, rng)
    reduced = learned.reduced
    count = settings.members or (MANY if len(bags) <= SMALL else FEW)
    parts = fold_numbers(target.outcome, count, settings.seed)
    held_out = np.zeros((2, len(bags), target.outputs))
    members = []
    with reduced_bags(bags, reduced) as columns, torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        sides = [(np.flatnonzero(parts != p), np.flatnonzero(parts == p)) for p in np.unique(parts)]
        heads = _trained(columns, learned.principal, target, sides, settings, rng)
        for (rest, held), head in zip(sides, heads, strict=True):
            scores = scores_of(head, columns, np.arange(len(columns)))
            member = _Member(head, scores, *_ridge(columns.means[rest], target.rows(rest)))
            # The level of a head means nothing: each is taken relative to those it learned from.
            held_out[0, held] = member.scores[held] - member.scores[rest].mean(0)
            held_out[1, held] = columns.means[held] @ member.coef + member.offset
            members.append(member)
        means = columns.means
    mix = fit_weights(held_out, target.total_loss)
    coef = np.mean([member.coef for member in members], axis=0)
    attention = LearnedAttention(
        kind=settings.head,
        reduced=reduced,
        heads=[member.head for member in members],
        levels=np.stack([member.scores.mean(0) for member in members]),
        mean_coef=coef,
        mean_level=(means - reduced.shift).mean(0) @ coef,
        mix=mix,
    )
    return attention, np.tensordot(mix, held_out, 1)


def _trained(
    columns: ReducedBags,
    principal: Floats,
    target: Target,
    sides: Sequence[tuple[Rows, Rows]],
    settings: Settings,
    rng: np.random.Generator,
) -> list[BagHead]:
    """Return a trained head per side, from the kind of start that led furthest."""

    def training(rest: Rows, held: Rows, start: Start | None) -> Training:
        own = target.rows(rest)
        head = make_head(settings.head, columns.columns, target.outputs)
        if start is not None:
            head.begin(start)
        learn, judge = Side(rest, own), Side(held, target.rows(held))
        objective = make_objective(own, settings.loss)
        return Training(head, objective, columns, learn, judge, most=settings.most, rng=rng)

    starts: list[Sequence[Start | None]] = [[None] * len(sides)]
    if settings.head in STARTED:
        learn = [rest for rest, _ in sides]
        starts += find_starts(columns, principal, target, learn, settings.loss, settings.most)
    kinds = [
        Together([training(*s, k) for s, k in zip(sides, kind, strict=True)]) for kind in starts
    ]
    for kind in kinds:
        kind.go_on(TRIED)
    best = np.array([kind.losses for kind in kinds]).argmin(0)
    for place in np.unique(best):
        kinds[place].go_on(EPOCHS)
    return [kinds[place].head(member) for member, place in enumerate(best)]


def _ridge(means: Floats, target: Target) -> tuple[Floats, Floats]:
    """Return the ridge model of plain mean vectors, as late fusion has for slide vectors."""
    centre, deviation = means.mean(0), means.std(0)
    varies = deviation > 1e-7
    wide = np.sqrt(prior_variances([means.shape[1]], ["slide"])[0])
    scale = np.where(varies, wide / np.where(varies, deviation, 1.0), 0.0)
    coef, _ = target.fit_linear((means - centre) * scale)
    coef = scale[:, None] * coef
    return coef, -centre @ coef
