"""Prior variances that the data choose."""

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk import FusionSurvival
from msfusion_sdk.arrays import Floats
from msfusion_sdk.fusion.inputs.modalities import Modalities
from msfusion_sdk.fusion.inputs.relevance import Relevance, prior_groups
from msfusion_sdk.fusion.inputs.targets import ClassTarget, SurvivalTarget, Target
from msfusion_sdk.outcomes.classes import ClassOutcome
from msfusion_sdk.outcomes.survival import SurvivalOutcome
from msfusion_sdk.survival.metrics.concordance import concordance_index

PATIENTS = 300
IDS = tuple(f"P{number:03d}" for number in range(PATIENTS))


def targets(score: Floats) -> list[Target]:
    rng = np.random.default_rng(1)
    death, last = rng.exponential(np.exp(-score)), rng.exponential(2, PATIENTS)
    survival = SurvivalOutcome(IDS, np.minimum(death, last), death <= last)
    codes = (score + rng.logistic(size=PATIENTS) > 0).astype(np.intp)
    return [SurvivalTarget(survival), ClassTarget(ClassOutcome(IDS, codes, ("a", "b")))]


def modalities(*tables: Floats, share: float = 1.0) -> Modalities:
    """Tables of everybody, and a last one of a share of the patients."""
    present = np.ones((PATIENTS, len(tables)), bool)
    present[int(share * PATIENTS) :, -1] = False
    values = tuple(table.astype(np.float32) for table in tables)
    return Modalities(IDS, tuple("abc"[: len(tables)]), values, present)


@pytest.mark.parametrize("kind", [0, 1])
def test_noise_columns_fade_and_a_column_that_tells_stays(kind: int) -> None:
    table = np.random.default_rng(0).normal(size=(PATIENTS, 21))
    made = modalities(table)
    matrix = np.hstack([table * 0.4, np.zeros((PATIENTS, 1))])
    relevance = Relevance.of(matrix, prior_groups(made, ["clinical"]))
    factors = relevance.factors(targets(1.2 * table[:, 0])[kind].marginal)
    assert factors[0] > 1
    assert np.median(factors[1:21]) < 0.1


def test_a_wide_table_of_everybody_keeps_its_variance() -> None:
    rng = np.random.default_rng(0)
    wide, small = rng.normal(size=(PATIENTS, 300)), rng.normal(size=(PATIENTS, 2))
    groups = prior_groups(modalities(small, wide), ["clinical", "genomics"])
    matrix = np.hstack([small, wide * 0.1, np.zeros((PATIENTS, 2))])
    factors = Relevance.of(matrix, groups).factors(targets(small[:, 0])[0].marginal)
    assert (factors[2:302] == 1).all()
    assert (factors[:2] != 1).all()


@pytest.mark.parametrize(("told", "low", "high"), [(0.0, 0.0, 0.1), (1.5, 0.1, 20.0)])
def test_a_wide_table_of_some_patients_counts_by_what_it_tells(
    told: float, low: float, high: float
) -> None:
    rng = np.random.default_rng(2)
    wide = rng.normal(size=(PATIENTS, 1)) + rng.normal(size=(PATIENTS, 300))
    made = modalities(rng.normal(size=(PATIENTS, 2)), wide, share=0.4)
    wide = wide * made.present[:, [1]]
    groups = prior_groups(made, ["clinical", "slide"])
    matrix = np.hstack([made.values[0] * 0.4, wide * 0.1, np.zeros((PATIENTS, 2))])
    score = told * wide.mean(axis=1)
    factors = Relevance.of(matrix, groups).factors(targets(score)[0].marginal)
    assert low < factors[2] < high
    assert len(set(factors[2:302])) == 1


def test_many_columns_of_few_patients_are_weighed_by_a_table() -> None:
    made = modalities(np.zeros((PATIENTS, 250)), share=0.3)
    groups = prior_groups(made, ["table"])
    assert [group.columns for group in groups] == [slice(0, 250), slice(250, 251)]
    assert groups[0].centre == pytest.approx(0.09)


@pytest.mark.parametrize(("columns", "groups"), [(30, 31), (31, 2), (200, 2)])
def test_few_columns_have_variances_of_their_own_and_more_share_one(
    columns: int, groups: int
) -> None:
    table = np.random.default_rng(3).normal(size=(PATIENTS, columns))
    found = prior_groups(modalities(table), ["panel"])
    assert len(found) == groups
    assert all(group.spread > 0 for group in found)


@pytest.mark.parametrize("patterns", [0, 5])
def test_many_genes_do_not_drown_what_clinical_columns_say(patterns: int) -> None:
    """What each table tells is known: the fusion must not fall behind the smaller one."""
    rng = np.random.default_rng(5)
    total, learn = 1060, 60
    clinical = rng.normal(size=(total, 5))
    genes, score = rng.normal(size=(total, 200)), clinical @ [0.8, 0.5, 0.25, 0, 0]
    if patterns:
        hidden = rng.normal(size=(total, patterns))
        genes = hidden @ rng.normal(size=(patterns, 200)) + np.sqrt(patterns) * genes
        score = score + 0.7 * hidden[:, 0]
    ids = pd.Index([f"P{number:04d}" for number in range(total)], name="patient_id")
    tables = {
        "clinical": pd.DataFrame(clinical, ids).add_prefix("c"),
        "genes": pd.DataFrame(genes, ids).add_prefix("g"),
    }
    death, last = rng.exponential(np.exp(-score)), rng.exponential(2, total)
    y = pd.DataFrame({"time": np.minimum(death, last), "event": death <= last}, ids)

    def judged(names: list[str]) -> float:
        train = {name: tables[name][:learn] for name in names}
        new = {name: tables[name][learn:] for name in names}
        risk = FusionSurvival().fit(train, y[:learn]).predict_risk(new)
        return concordance_index(time=y["time"][learn:], event=y["event"][learn:], risk=risk)

    assert judged(["clinical", "genes"]) > judged(["clinical"]) - 0.02
