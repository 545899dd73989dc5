"""Genes to features: logs, filters, sets, screening and components, each against a plain one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f_oneway
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from msfusion_adapters.genomics import GenomicsAdapter
from msfusion_adapters.genomics.gene_sets import read_gmt
from msfusion_sdk.errors import (
    DegenerateSplitError,
    IdMismatchError,
    MissingModalityError,
    NonFiniteError,
    TableError,
)

pytestmark = pytest.mark.slow

IDS = pd.Index([f"P{number:02d}" for number in range(30)], name="patient_id")
PLAIN = {"log": "none", "clip": None}


def genes(count: int = 12) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(30, count)) * np.linspace(1, 3, count)
    return pd.DataFrame(values, IDS, [f"G{number}" for number in range(count)])


def values(table: pd.DataFrame, **settings: object) -> np.ndarray:
    return GenomicsAdapter(**settings).fit(table).transform(table).values


def test_the_default_is_the_signed_log_standardised_and_cut_at_two() -> None:
    logged = np.sign(genes(60)) * np.log1p(genes(60).abs())
    expected = np.clip(StandardScaler().fit_transform(logged), -2, 2)
    np.testing.assert_allclose(values(genes(60)), expected, rtol=1e-4, atol=1e-5)


def test_components_are_principal_and_whitened() -> None:
    logged = np.sign(genes(60)) * np.log1p(genes(60).abs())
    scaled = StandardScaler().fit_transform(logged)
    expected = PCA(10, whiten=True, svd_solver="full").fit_transform(scaled)
    found = values(genes(60), clip=None, n_components=10)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), rtol=1e-3, atol=1e-4)


def test_there_are_never_more_components_than_patients_span() -> None:
    assert values(genes(60), n_components=50).shape == (30, 29)


def test_log2_is_that_of_counts() -> None:
    counts = (genes().abs() * 100).round()
    expected = StandardScaler().fit_transform(np.log2(counts + 1))
    found = values(counts, log="log2", clip=None)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_log2_of_scores_below_zero_is_an_error_with_a_remedy() -> None:
    with pytest.raises(TableError, match=r"smallest is -.*log='signed'"):
        values(genes(), log="log2")


def test_one_outlier_in_the_thousands_does_not_flatten_the_others() -> None:
    table = genes()
    table.iloc[0, 0] = 36_893
    plain = values(table, **PLAIN)[1:, 0].std()
    assert plain < 0.001
    assert values(table, n_components=None)[1:, 0].std() > 0.2
    assert np.abs(values(table, log="none")).max() == 2


def test_the_genes_of_the_largest_variance_are_kept() -> None:
    fitted = GenomicsAdapter(**PLAIN, max_genes=3).fit(genes())
    largest = genes().var().nlargest(3).index
    assert set(fitted.transform(genes()).names) == set(largest)


def test_constant_genes_are_dropped() -> None:
    table = genes(3).assign(G1=7.0)
    assert GenomicsAdapter(**PLAIN).fit(table).transform(table).names == ("G0", "G2")


def test_a_set_is_the_mean_of_its_standardised_genes_standardised() -> None:
    sets = {"one": ["G0", "G1", "G2"], "other": ["G3", "elsewhere"], "absent": ["G4", "x", "y"]}
    fitted = GenomicsAdapter(**PLAIN, gene_sets=sets).fit(genes())
    block = fitted.transform(genes())
    assert block.names == ("one", "other")
    mean = StandardScaler().fit_transform(genes())[:, :3].mean(axis=1)
    np.testing.assert_allclose(block.values[:, 0], mean / mean.std(), rtol=1e-4, atol=1e-5)


def test_gene_sets_are_read_from_gmt(tmp_path: Path) -> None:
    path = tmp_path / "sets.gmt"
    path.write_text("HALLMARK_A\thttps://example.org\tG0\tG1\n\nB\t\tG2\t\n")
    assert read_gmt(path) == {"HALLMARK_A": ["G0", "G1"], "B": ["G2"]}
    assert values(genes(), **PLAIN, gene_sets=path).shape == (30, 2)


def test_a_set_whose_genes_cancel_out_is_left_out() -> None:
    table = genes(3).assign(G1=-genes(3)["G0"])
    sets = {"nothing": ["G0", "G1"], "one": ["G2"]}
    block = GenomicsAdapter(**PLAIN, gene_sets=sets).fit(table).transform(table)
    assert block.names == ("one",)


@pytest.mark.parametrize(
    ("text", "problem"), [("A\tx\n", "no gene"), ("A\tx\tG\nA\tx\tG", "repeats")]
)
def test_what_is_no_gmt_is_refused_with_its_line(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "sets.gmt"
    path.write_text(text)
    with pytest.raises(TableError, match=rf"line {text.count('A')}.*{problem}"):
        read_gmt(path)


def test_gene_sets_of_another_encoding_are_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "sets.gmt"
    path.write_bytes("A\tx\tG0\nB\tü\tG1\n".encode("cp1252"))
    with pytest.raises(TableError, match="line 2 has the byte 0xfc"):
        read_gmt(path)


def test_a_gene_set_ends_with_its_line_and_nowhere_else(tmp_path: Path) -> None:
    path = tmp_path / "sets.gmt"
    path.write_text("A\tone\u2028two\tG0\r\nB\tx\tG1\r\n", encoding="utf-8", newline="")
    assert read_gmt(path) == {"A": ["G0"], "B": ["G1"]}


def test_sets_of_which_the_table_holds_too_little_are_an_error() -> None:
    with pytest.raises(TableError, match=r"None of 1 gene sets has 50%.*'G0'"):
        values(genes(), gene_sets={"far": ["x", "y", "G0"]})


def test_a_row_of_zeros_is_a_present_patient() -> None:
    table = genes().round().abs()
    table.iloc[3] = 0
    assert GenomicsAdapter().fit(table).transform(table).present.all()


def test_screening_for_classes_keeps_the_genes_of_the_largest_f() -> None:
    y = pd.Series(np.where(genes()["G7"] + genes()["G2"] > 0, "high", "low"), IDS)
    strength = {n: f_oneway(genes()[n][y == "high"], genes()[n][y == "low"])[0] for n in genes()}
    fitted = GenomicsAdapter(**PLAIN, screen=4).fit(genes(), y.sample(frac=1, random_state=0))
    expected = sorted(strength, key=lambda name: -strength[name])[:4]
    assert set(fitted.transform(genes()).names) == set(expected)


def test_screening_for_survival_finds_the_gene_that_decides_it() -> None:
    time = np.exp(-genes()["G5"] / 2)
    y = pd.DataFrame({"time": time, "event": np.arange(30) % 3 > 0}, IDS)
    with pytest.warns(UserWarning, match="'G5' alone orders the times"):
        fitted = GenomicsAdapter(**PLAIN, screen=1).fit(genes(), y)
    assert fitted.transform(genes()).names == ("G5",)


def test_a_column_equal_to_the_outcome_in_other_rows_only_is_not_chosen() -> None:
    y = pd.Series(np.where(genes()["G7"] > 0, "high", "low"), IDS)
    leaky = genes().assign(leak=np.random.default_rng(0).normal(size=30))
    leaky.loc[IDS[20:], "leak"] = np.where(y[20:] == "high", 9, -9)
    train, classes = leaky[:20], y[:20]
    strength = {n: f_oneway(train[n][classes == "high"], train[n][classes == "low"])[0]
                for n in train}  # fmt: skip
    fitted = GenomicsAdapter(**PLAIN, screen=3).fit(train, y)
    assert set(fitted.names_) == set(sorted(strength, key=lambda name: -strength[name])[:3])
    assert "leak" not in fitted.names_


def test_screening_without_outcomes_of_all_patients_is_an_error() -> None:
    adapter = GenomicsAdapter(screen=3)
    with pytest.raises(TableError, match="no y"):
        adapter.fit(genes())
    with pytest.raises(IdMismatchError, match=r"1 of 30 patients have no outcome \(first: P29"):
        adapter.fit(genes(), pd.Series(["a", "b"] * 15, IDS)[:-1])
    with pytest.raises(DegenerateSplitError, match="'a'"):
        adapter.fit(genes(), pd.Series("a", IDS))


def test_an_empty_cell_is_an_error_or_the_median() -> None:
    table = genes().mask(np.arange(360).reshape(30, 12) == 25)
    with pytest.raises(NonFiniteError, match=r"'G1' for 1 of 30 patients \(first: P02\)"):
        values(table)
    filled = values(table, **PLAIN, missing="median")
    median = (
        StandardScaler().fit(table.fillna(table.median())).transform(table.fillna(table.median()))
    )
    np.testing.assert_allclose(filled, median, rtol=1e-4, atol=1e-5)


def test_nothing_that_varies_and_nobody_at_all_are_errors() -> None:
    with pytest.raises(TableError, match="None of the 12 genes varies"):
        values(genes() * 0)
    with pytest.raises(MissingModalityError, match="genomics"):
        values(genes() * np.nan)


@pytest.mark.parametrize("cohort", ["brca", "gbmlgg", "luad", "kirc", "kirp"])
def test_real_tables_become_finite_components_that_see_no_other_patient(
    cohort: str, shared: Path
) -> None:
    folder = shared / "data/tcga" / cohort
    adapter = GenomicsAdapter(clip=None, n_components=50)
    fold = adapter.read(folder / "folds.parquet")["fold"]
    for name in ("rna", "cnv", "mut"):
        if not (path := folder / f"{name}.parquet").exists():
            continue  # a cohort without copy numbers
        table = adapter.read(path)
        block = adapter.fit(table[fold != 0]).transform(table)
        assert block.present.all()
        # Genes of one segment have equal copy numbers, so thirty columns can have rank 22.
        rank = 50 if table.shape[1] > 100 else np.linalg.matrix_rank(table[fold != 0])
        assert len(block.names) == min(50, rank)
        # Standardised over the training patients, so other patients stay near.
        train = block.values[(fold != 0).to_numpy()]
        np.testing.assert_allclose(train.std(axis=0, ddof=1), 1, rtol=1e-3)
        assert np.abs(block.values).max() < 60


def test_a_few_missing_genes_are_filled_with_the_median_and_named() -> None:
    fitted = GenomicsAdapter(**PLAIN).fit(genes(20))
    median = genes(20).assign(G3=genes(20)["G3"].median())
    with pytest.warns(UserWarning, match=r"1 of 20 genes .*\(first: 'G3'\)"):
        found = fitted.transform(genes(20).drop(columns="G3"))
    np.testing.assert_allclose(found.values, fitted.transform(median).values, atol=1e-6)
    assert found.present.all()


def test_more_missing_genes_than_were_allowed_are_an_error() -> None:
    fitted = GenomicsAdapter(**PLAIN, max_missing_genes=0.05).fit(genes(20))
    with pytest.raises(TableError, match=r"2 of 20 columns .*'G3', 'G4'"):
        fitted.transform(genes(20).drop(columns=["G3", "G4"]))
