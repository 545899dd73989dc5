"""The made cohort holds what it promises."""

from pathlib import Path

import pandas as pd
import pytest

from msfusion_sdk import Cohort, open_slide
from msfusion_sdk.testing import make_cohort

pytestmark = pytest.mark.slow


def test_the_made_cohort_has_the_gaps_that_it_promises(tmp_path: Path) -> None:
    tables = make_cohort(tmp_path, n_patients=40, n_slides=2)
    cohort = Cohort.create(tmp_path / "cohort", patients=tables.patients, slides=tables.slides)
    cohort.add_modality("clinical", tables.clinical)
    cohort.add_modality("genomics", tables.genomics)
    # 40 patients, without every eighth and without every tenth.
    assert cohort.report().modalities == {"clinical": 35, "genomics": 36}
    assert set(cohort.manifest.outcomes) == {"survival", "diagnosis"}
    with open_slide(tmp_path / "slide_P001.svs") as slide:
        assert slide.spacing().mpp == 0.25
    assert (tmp_path / "slide_P002.svs").stat().st_size == 0


def test_the_same_seed_makes_the_same_tables(tmp_path: Path) -> None:
    one, other = (make_cohort(tmp_path / name, n_slides=0) for name in ("a", "b"))
    assert one.patients.read_text() == other.patients.read_text()


def test_age_and_genes_tell_the_time(tmp_path: Path) -> None:
    tables = make_cohort(tmp_path, n_patients=400, n_slides=0)
    patients = pd.read_csv(tables.patients, index_col=0)
    genes = pd.read_csv(tables.genomics, index_col=0)
    joined = genes.join(patients)
    assert joined["GENE01"].corr(joined["time_months"], method="spearman") < -0.2
    assert joined.groupby("diagnosis")["GENE03"].mean()["luad"] > 0.3
