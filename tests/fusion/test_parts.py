from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from lifelines import CoxPHFitter
from scipy.optimize import minimize
from sklearn.decomposition import PCA

from msfusion_sdk.fusion.inputs.design import prior_variances
from msfusion_sdk.fusion.inputs.reduction import Reduction
from msfusion_sdk.fusion.inputs.targets import ClassTarget, SurvivalTarget
from msfusion_sdk.fusion.networks.layers import Attention, Concat, Gated, LowRank
from msfusion_sdk.fusion.networks.training import drop_modalities
from msfusion_sdk.fusion.strategies.expert_weights import fit_weights
from msfusion_sdk.fusion.strategies.fuser import fold_numbers
from msfusion_sdk.outcomes.classes import ClassOutcome
from msfusion_sdk.outcomes.survival import SurvivalOutcome


def ids(count: int) -> tuple[str, ...]:
    return tuple(f"P{number:03d}" for number in range(count))


def survived(time: np.ndarray, event: np.ndarray) -> SurvivalOutcome:
    return SurvivalOutcome(ids(len(time)), time, event)


def classified(codes: np.ndarray) -> ClassOutcome:
    return ClassOutcome(ids(len(codes)), codes, ("no", "yes"))


FUSIONS = [Concat, Gated, LowRank, Attention]


def test_tables_of_one_kind_share_their_variance_by_columns() -> None:
    found = prior_variances([4, 1500, 1000, 20], ["clinical", "genomics", "genomics", "table"])
    assert found == pytest.approx([0.2, 5 / 2500, 5 / 2500, 0.2])


def test_folds_are_equally_large_and_each_has_its_share_of_events() -> None:
    event = np.arange(53) % 4 == 0
    folds = fold_numbers(survived(np.ones(53), event), 5, seed=0)
    assert sorted(np.bincount(folds)) == [10, 10, 11, 11, 11]
    assert set(np.bincount(folds[event])) <= {2, 3}


def test_there_are_no_more_folds_than_patients_of_the_rarest_class() -> None:
    outcome = classified(np.array([0] * 10 + [1] * 3))
    assert fold_numbers(outcome, 5, seed=0).max() == 2


def test_weights_are_the_minimum_that_scipy_finds_and_never_negative() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, 60)
    truth, noise = codes - 0.5, rng.normal(size=(3, 60))
    scores = (np.stack([truth, -truth, truth / 2]) + noise)[:, :, None]
    scores = np.concatenate([-scores, scores], axis=2)
    target = ClassTarget(classified(codes))

    def objective(weights: np.ndarray) -> float:
        mixed = torch.from_numpy(np.tensordot(weights, scores, 1))
        spread = scores.std(axis=(1, 2))
        return float(target.total_loss(mixed) + ((weights * spread) ** 2).sum() / 2)

    expected = minimize(objective, np.full(3, 0.3), bounds=[(0, None)] * 3).x
    found = fit_weights(scores, target.total_loss)
    assert found[1] == 0
    assert found == pytest.approx(expected, abs=1e-3)


def test_an_expert_that_says_nothing_keeps_its_weight_and_troubles_no_other() -> None:
    time, event = np.arange(1.0, 31), np.ones(30, np.bool_)
    target = SurvivalTarget(survived(time, event))
    risk = np.random.default_rng(0).normal(size=(1, 30, 1)) - time[:, None] / 10
    alone = fit_weights(risk, target.total_loss)
    found = fit_weights(np.concatenate([risk, np.zeros((1, 30, 1))]), target.total_loss)
    assert found[0] == pytest.approx(alone[0], abs=1e-6)


def test_the_ridge_model_has_mean_log_hazard_zero() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(50, 3)) + 7
    target = SurvivalTarget(survived(rng.exponential(size=50), rng.random(50) < 0.6))
    coef, offset = target.fit_linear(values)
    assert (values @ coef + offset).mean() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_embeddings_of_absent_modalities_change_nothing(fusion: Any) -> None:
    torch.manual_seed(0)
    layer = fusion(3)
    embeddings = torch.randn(5, 3, 16)
    present = torch.tensor([[True, False, True]] * 5)
    changed = embeddings.clone()
    changed[:, 1] = 1e6
    assert torch.equal(layer(embeddings, present), layer(changed, present))
    assert layer(embeddings, present).shape == (5, layer.fused_dim)


def test_attention_to_one_present_modality_is_its_value() -> None:
    torch.manual_seed(0)
    layer = Attention(3)
    embeddings = torch.randn(2, 3, 16)
    present = torch.tensor([[False, True, False]] * 2)
    expected = layer.value(embeddings[:, 1] + layer.names[1])
    assert torch.allclose(layer(embeddings, present), expected, atol=1e-6)


def test_low_rank_fusion_is_the_outer_product_seen_through_factors() -> None:
    """Two modalities by the slow way: the whole tensor of (a, 1) and (b, 1) against its weights."""
    torch.manual_seed(0)
    layer = LowRank(2).double()
    a, b = torch.randn(2, 16, dtype=torch.float64)
    one = torch.ones(1, dtype=torch.float64)
    outer = torch.outer(torch.cat([a, one]), torch.cat([b, one]))
    # (modality, rank, 17, out): the row of the appended 1 is `ones`.
    factors = torch.cat([layer.factors, layer.ones[:, :, None]], 2)
    weights = torch.einsum("rik,rjk->ijk", factors[0], factors[1]) / 4
    expected = torch.einsum("ij,ijk->k", outer, weights)
    found = layer(torch.stack([a, b])[None], torch.tensor([[True, True]]))[0]
    assert torch.allclose(found, expected)


def test_modality_dropout_leaves_everybody_something_and_adds_nothing() -> None:
    torch.manual_seed(0)
    present = torch.rand(500, 3) < 0.5
    present[:, 0] |= ~present.any(1)
    kept = drop_modalities(present, 0.9)
    assert kept.any(1).all()
    assert not (kept & ~present).any()
    assert kept.sum() < present.sum()


def test_many_columns_become_the_whitened_components_of_scikit_learn() -> None:
    values = np.random.default_rng(0).normal(size=(40, 60)).astype(np.float32)
    values[:, :20] += values[:, [0]]
    standard = (values - values.mean(0)) / values.std(0)
    expected = PCA(3, whiten=True, svd_solver="full").fit_transform(standard)
    found = Reduction.learn(values).apply(values, np.ones(40, np.bool_))[:, :3]
    for column in range(3):
        assert abs(np.corrcoef(found[:, column], expected[:, column])[0, 1]) > 0.999
    assert found.std(axis=0) == pytest.approx(np.ones(3), abs=1e-3)


def test_few_columns_are_standardised_and_a_constant_one_is_zero() -> None:
    values = np.array([[1, 5, 2], [3, 5, 2.5], [5, 5, 9]], np.float32)
    found = Reduction.learn(values).apply(values, np.array([True, True, True]))
    assert found[:, 0] == pytest.approx([-(1.5**0.5), 0, 1.5**0.5])
    assert (found[:, 1] == 0).all()


def test_the_survival_target_is_the_likelihood_of_lifelines() -> None:
    rng = np.random.default_rng(0)
    time, event = np.ceil(rng.exponential(5, 60)), rng.random(60) < 0.7
    values = rng.normal(size=60)
    frame = pd.DataFrame({"x": values, "time": time, "event": event})
    fit = CoxPHFitter().fit(frame, "time", "event")
    scores = torch.from_numpy(values * fit.params_["x"])[:, None]
    found = SurvivalTarget(survived(time, event)).total_loss(scores)
    # lifelines leaves out the logarithms of nothing: both are the same sum over events.
    assert float(found) == pytest.approx(-fit.log_likelihood_, abs=1e-5)
