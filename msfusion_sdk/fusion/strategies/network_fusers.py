"""Embedding-level fusion: a few small networks, each stopped on another part of the patients."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from msfusion_sdk.arrays import Floats
from msfusion_sdk.fusion.inputs.modalities import Modalities
from msfusion_sdk.fusion.inputs.reduction import Reduction
from msfusion_sdk.fusion.inputs.targets import Target
from msfusion_sdk.fusion.networks.layers import Encoding, Fusion, FusionNetwork
from msfusion_sdk.fusion.networks.training import Batch, train
from msfusion_sdk.fusion.strategies.fuser import Arrays, Fuser, fold_numbers, under

__all__ = ["NetworkFuser"]

NETWORKS = 5


class NetworkFuser(Fuser):
    """The mean score of networks that differ in their start and in who stops their training.

    Each of five networks learns from four fifths of the patients and is stopped by the loss of
    the other fifth, so every patient is learned from, and every patient has a score by a
    network that did not learn from them (only when to stop: those scores are a little too good).

    Parameters
    ----------
    fusion : 'concat', 'gated', 'low_rank' or 'attention'
    encoding : 'linear' or 'mlp'
        What makes the embedding of a modality.
    seed : int
    """

    def __init__(self, fusion: Fusion, encoding: Encoding, seed: int) -> None:
        self._fusion, self._encoding, self._seed = fusion, encoding, seed

    def fit(self, modalities: Modalities, target: Target) -> Floats:
        """Learn the columns and train the networks."""
        target.outcome.require(f"A network of {' and '.join(modalities.names)}", 2)
        self._reductions = [
            Reduction.learn(table[modalities.present[:, place]])
            for place, table in enumerate(modalities.values)
        ]
        batch = self._batch(modalities)
        folds = fold_numbers(target.outcome, NETWORKS, self._seed)
        held_out = np.zeros((len(folds), target.outputs))
        self._networks = []
        # The caller's own random numbers go on as if nothing had been drawn here.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            for fold in range(folds.max() + 1):
                held, rest = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
                network = self._new_network(target.outputs)
                stop = batch.rows(torch.from_numpy(held))
                learn = batch.rows(torch.from_numpy(rest))
                train(network, learn, target.rows(rest), stop, target.rows(held))
                held_out[held] = target.centred(_scores(network, stop))
                self._networks.append(network)
        # The level of a log-hazard means nothing, and is not the same for all networks.
        self._levels = np.stack([_level(network, batch, target) for network in self._networks])
        return held_out

    def scores(self, modalities: Modalities) -> Floats:
        """Return the mean of the networks' scores."""
        batch = self._batch(modalities)
        each = [_scores(network, batch) for network in self._networks]
        return np.asarray((np.stack(each) - self._levels[:, None]).mean(axis=0))

    def arrays(self) -> Arrays:
        """Return the columns' maps and the networks' weights."""
        arrays: Arrays = {"levels": self._levels}
        for place, reduction in enumerate(self._reductions):
            arrays[f"centre/{place}"], arrays[f"matrix/{place}"] = (
                reduction.centre,
                reduction.matrix,
            )
        for number, network in enumerate(self._networks):
            for name, value in network.state_dict().items():
                arrays[f"network/{number}/{name}"] = value.numpy()
        return arrays

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Become what ``arrays`` describes."""
        self._levels = arrays["levels"]
        places = range(sum(name.startswith("centre/") for name in arrays))
        self._reductions = [Reduction(arrays[f"centre/{p}"], arrays[f"matrix/{p}"]) for p in places]
        self._networks = []
        for number in range(len(self._levels)):
            network, prefix = self._new_network(self._levels.shape[1]), f"network/{number}/"
            saved = under(arrays, prefix)
            network.load_state_dict({name: torch.from_numpy(v) for name, v in saved.items()})
            self._networks.append(network.eval())
        return self

    def _new_network(self, outputs: int) -> FusionNetwork:
        # After the reduction: a table of thousands of genes has 50 columns here.
        widths = [reduction.matrix.shape[1] for reduction in self._reductions]
        return FusionNetwork(self._fusion, self._encoding, widths, outputs)

    def _batch(self, modalities: Modalities) -> Batch:
        tables = [
            torch.from_numpy(reduction.apply(table, modalities.present[:, place]))
            for place, (reduction, table) in enumerate(
                zip(self._reductions, modalities.values, strict=True)
            )
        ]
        return Batch(tables, torch.from_numpy(modalities.present))


@torch.no_grad()
def _scores(network: FusionNetwork, batch: Batch) -> Floats:
    return np.asarray(network(batch.values, batch.present).double().numpy())


def _level(network: FusionNetwork, batch: Batch, target: Target) -> Floats:
    """Return what ``centred`` takes away from the scores of all training patients, on average."""
    scores = _scores(network, batch)
    return np.asarray((scores - target.centred(scores)).mean(axis=0))
