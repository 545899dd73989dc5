"""Every adapter of ours keeps the contract that plugin authors test against."""

import numpy as np
import pandas as pd

from msfusion_adapters.clinical import ClinicalAdapter
from msfusion_adapters.genomics import GenomicsAdapter
from msfusion_adapters.slide import SlideAdapter
from msfusion_adapters.table import TableAdapter
from msfusion_sdk.adapter import ModalityAdapter
from msfusion_sdk.testing import AdapterContract

IDS = pd.Index([f"P{number:03d}" for number in range(40)], name="patient_id")


def measured(columns: int, *, gaps: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(columns)
    values = rng.normal(size=(len(IDS), 3)) @ rng.normal(size=(3, columns))
    values += rng.normal(size=values.shape)
    if gaps:
        values[rng.random(values.shape) < 0.1] = np.nan
    return pd.DataFrame(values, IDS, [f"c{number}" for number in range(columns)])


class TestTable(AdapterContract):
    def adapter(self) -> ModalityAdapter:
        return TableAdapter()

    def table(self) -> pd.DataFrame:
        return measured(4).assign(flag=np.arange(40) % 2 == 0, constant=1)


class TestTableWithGaps(AdapterContract):
    def adapter(self) -> ModalityAdapter:
        return TableAdapter(missing="median")

    def table(self) -> pd.DataFrame:
        return measured(5, gaps=True)


class TestSlide(AdapterContract):
    def adapter(self) -> ModalityAdapter:
        return SlideAdapter(n_components=5)

    def table(self) -> pd.DataFrame:
        return measured(64)


class TestGenomics(AdapterContract):
    def adapter(self) -> ModalityAdapter:
        return GenomicsAdapter(max_missing_genes=0)

    def table(self) -> pd.DataFrame:
        return measured(64)


class TestGenomicsWithEveryStep(AdapterContract):
    def adapter(self) -> ModalityAdapter:
        sets = {f"set {n}": [f"c{m}" for m in range(n, n + 9)] for n in range(30)}
        return GenomicsAdapter(
            log="none",
            max_genes=50,
            clip=2.5,
            gene_sets=sets,
            min_coverage=0.3,
            screen=8,
            n_components=4,
            whiten=False,
            missing="median",
            max_missing_genes=0,
        )

    def table(self) -> pd.DataFrame:
        return measured(64, gaps=True)

    def outcome(self) -> pd.DataFrame:
        rng = np.random.default_rng(0)
        time = rng.exponential(10, len(IDS)) * np.exp(measured(64)["c0"])
        return pd.DataFrame({"time": time, "event": rng.random(len(IDS)) < 0.6}, IDS)


class TestScreenedGenes(AdapterContract):
    def adapter(self) -> ModalityAdapter:
        return GenomicsAdapter(screen=5, n_components=None, max_missing_genes=0)

    def table(self) -> pd.DataFrame:
        return measured(64)

    def outcome(self) -> pd.Series:
        return pd.Series(np.where(measured(64)["c0"] > 0, "high", "low"), IDS)


class TestClinical(AdapterContract):
    def adapter(self) -> ModalityAdapter:
        return ClinicalAdapter(ordinal={"size": ["small", "medium", "large"]})

    def table(self) -> pd.DataFrame:
        rng = np.random.default_rng(0)
        stages = ["Stage I", "Stage IIA", "Stage IIIB", "[Not Available]"]
        table = pd.DataFrame(
            {
                "stage": rng.choice(stages, len(IDS)),
                "age": rng.normal(60, 10, len(IDS)).round(),
                "sex": rng.choice(["female", "male"], len(IDS)),
                "site": [*"abcdefghij", *rng.choice(["lung", "pleura", ""], len(IDS) - 10)],
                "size": rng.choice(["Small", "medium", "large"], len(IDS)),
                "smoker": rng.random(len(IDS)) < 0.5,
                "country": "one",
            },
            IDS,
        )
        table.loc[rng.random(len(IDS)) < 0.2, "age"] = np.nan
        return table


class TestClinicalNumbersOnly(AdapterContract):
    def adapter(self) -> ModalityAdapter:
        return ClinicalAdapter()

    def table(self) -> pd.DataFrame:
        return measured(3)


class TestClinicalLevelsOnly(AdapterContract):
    def adapter(self) -> ModalityAdapter:
        return ClinicalAdapter()

    def table(self) -> pd.DataFrame:
        return pd.DataFrame({"sex": ["female", "male"] * 20, "side": [*"lrr", "r"] * 10}, IDS)
