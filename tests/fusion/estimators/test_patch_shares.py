"""Shares of patches sum to the fused score, whatever fuses it."""

import numpy as np
import pandas as pd
import pytest

from msfusion_adapters.patches import PatchesAdapter, fitting, training
from msfusion_sdk import FusionClassifier, FusionSurvival
from msfusion_sdk.bags import bag_table
from msfusion_sdk.errors import MissingModalityError, TableError
from msfusion_sdk.fusion.estimators.patch_shares import OneBag

pytestmark = pytest.mark.slow

PATIENTS = 40
Tables = dict[str, pd.DataFrame]


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "EPOCHS", 10)
    monkeypatch.setattr(fitting, "_LEARNED", {})


@pytest.fixture(scope="module")
def made() -> tuple[Tables, pd.DataFrame]:
    """Bags of 12 patches, of which three tell the risk, and a panel that tells it too."""
    rng = np.random.default_rng(0)
    ids = [f"P{number:02d}" for number in range(PATIENTS)]
    risk = rng.normal(size=(2, PATIENTS))
    bags = rng.normal(size=(PATIENTS, 12, 6))
    bags[:, :3, 0] += 3
    bags[:, :3, 1] += 2 * risk[0][:, None]
    panel = pd.DataFrame(risk[1:].T, pd.Index(ids, name="patient_id"), ["a"])
    time = rng.exponential(np.exp(-risk.sum(0)))
    y = pd.DataFrame({"time": time, "event": rng.random(PATIENTS) < 0.7}, panel.index)
    return {"panel": panel, "patches": bag_table(dict(zip(ids, bags, strict=True)))}, y


ADAPTERS = {"patches": PatchesAdapter(members=2, n_components=4)}


@pytest.mark.parametrize("fusion", ["concat", "stacking", "average", "gated"])
def test_shares_sum_to_the_risk_less_that_of_an_average_slide(
    made: tuple[Tables, pd.DataFrame], fusion: str
) -> None:
    tables, y = made
    model = FusionSurvival(fusion=fusion, adapters=ADAPTERS).fit(tables, y)
    found = OneBag(model.fitted_, tables, "P03").shares()
    tolerance = 1e-5 if fusion != "gated" else 1e-3  # float32 networks with corners
    assert found.shares.sum(0) == pytest.approx(found.score - found.baseline, abs=tolerance)
    assert found.score[0] == pytest.approx(model.predict_risk(tables)["P03"], abs=1e-5)


@pytest.mark.parametrize("fusion", ["concat", "average"])
def test_shares_of_classes_sum_for_every_class(
    made: tuple[Tables, pd.DataFrame], fusion: str
) -> None:
    tables, y = made
    kinds = pd.Series(np.where(y["time"] > y["time"].median(), "late", "early"), y.index)
    kinds[y["time"] > y["time"].quantile(0.8)] = "never"
    model = FusionClassifier(fusion=fusion, adapters=ADAPTERS).fit(tables, kinds)
    found = OneBag(model.fitted_, tables, "P03").shares()
    assert found.shares.shape == (12, 3)
    assert found.shares.sum(0) == pytest.approx(found.score - found.baseline, abs=1e-5)


def test_the_baseline_is_the_score_without_what_the_slides_say(
    made: tuple[Tables, pd.DataFrame],
) -> None:
    tables, y = made
    model = FusionSurvival(fusion="product_of_experts", adapters=ADAPTERS).fit(tables, y)
    found = OneBag(model.fitted_, tables, "P03").shares()
    alone = model.predict_risk({"panel": tables["panel"]})["P03"]
    slide = model.modality_contributions(tables).loc["P03", "patches"]
    # The expert of an average slide has a score of its own: the same for every patient.
    other = OneBag(model.fitted_, tables, "P04").shares()
    level = found.baseline[0] - alone
    assert found.score[0] == pytest.approx(alone + slide, abs=1e-6)
    rest = model.predict_risk({"panel": tables["panel"]})["P04"]
    assert other.baseline[0] - rest == pytest.approx(level, abs=1e-6)


def test_a_model_without_bags_has_no_shares(made: tuple[Tables, pd.DataFrame]) -> None:
    panel = {"panel": made[0]["panel"]}
    model = FusionSurvival().fit(panel, made[1])
    with pytest.raises(TableError, match="modality 'patches'"):
        OneBag(model.fitted_, panel, "P03")


def test_a_patient_without_a_bag_is_named(made: tuple[Tables, pd.DataFrame]) -> None:
    tables, y = made
    model = FusionSurvival(adapters=ADAPTERS).fit(tables, y)
    with pytest.raises(MissingModalityError, match="'P03' has no bag"):
        OneBag(model.fitted_, {**tables, "patches": tables["patches"].drop("P03")}, "P03")
