"""Expression, copy number and mutations: gene tables to a few numbers, learned in the fold."""

import warnings
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from msfusion_adapters.barcodes import SampleMap
from msfusion_adapters.genomics.gene_sets import membership, read_gmt
from msfusion_adapters.genomics.layouts import Layout, read_genes
from msfusion_adapters.genomics.screening import strongest_columns
from msfusion_adapters.leakage import warn_of_leaks
from msfusion_adapters.numeric import (
    Missing,
    Standard,
    apply_standard,
    learn_components,
    learn_standard,
    numbers,
    require_no_gaps,
    require_somebody,
    varies,
)
from msfusion_sdk.adapter import Block, ModalityAdapter
from msfusion_sdk.arrays import Floats
from msfusion_sdk.errors import TableError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.frames import patient_table, select_columns
from msfusion_sdk.tables.issues import TableWarning

__all__ = ["GenomicsAdapter", "Log"]

Log = Literal["signed", "log2", "none"]

_WHAT = "the genomics table"


class GenomicsAdapter(ModalityAdapter):
    """A gene table as a few components: transformed, standardised, projected.

    The default suits expression, also as published z-scores with outliers in the thousands,
    copy number (-2 to 2) and mutations (0, 1).  It keeps all genes, cut at two standard
    deviations, and leaves it to the ridge head to weigh them: on five TCGA cohorts that gave
    a mean concordance of 0.758 on the published folds, 50 components 0.71 to 0.72
    (``benchmarks/tcga_late_fusion.py``).

    Parameters
    ----------
    layout : str
        How ``read`` finds patients and genes; stated, never guessed.
        ``"patients_by_genes"``: a column ``patient_id``, then a column per gene.
        ``"genes_by_patients"``: gene names in the first column, then a column per patient.
        ``"cbioportal"``: ``data_mrna_*.txt``, ``data_cna.txt``.  ``"xena"``: genes down, TCGA
        samples across.  ``"maf"``: a list of mutations.  ``"gdc"``: the sample sheet beside
        the files of gene expression.  ``"anndata"``: an ``.h5ad`` file.
    log : {"signed", "log2", "none"}
        sign(x)·log(1 + |x|), which also tames z-scores; log2(1 + x) for counts and RSEM or
        TPM values, an error below 0; or nothing.
    max_genes : int, optional
        Keep so many genes of the largest variance after ``log``.
    clip : float, optional
        Cut standardised values at plus and minus this many standard deviations.
    gene_sets : path of a GMT file, or mapping of names to genes; optional
        Replace genes by the mean of each set's standardised genes, standardised again.
    min_coverage : float
        Leave out a set of which the table holds a smaller share.
    screen : int, optional
        Keep so many genes (or sets) that go with the outcome most; ``fit`` then needs ``y``.
    n_components : int, optional
        Principal components, at most so many and at most the rank; None keeps the columns.
    whiten : bool
        Scale each component to standard deviation 1; otherwise large ones stay large.
    missing : {"error", "median"}
        What happens to an empty cell of a patient who has others.
    max_missing_genes : float
        Share of the genes of training that a table may lack when predicting: they are filled
        with the training median, with a warning that names them.  0 allows none.
    profiled : sequence of str, or path of a list of ids; optional
        For ``"maf"``: everybody who was sequenced.  Others are missing, not wild type.
    samples : mapping of sample to patient, or path of a table with both; optional
        For studies whose samples are not called by TCGA barcodes.
    """

    modality: ClassVar[str] = "genomics"
    layouts: ClassVar[tuple[str, ...]] = get_args(Layout)

    def __init__(
        self,
        *,
        layout: Layout = "patients_by_genes",
        log: Log = "signed",
        max_genes: int | None = None,
        clip: float | None = 2.0,
        gene_sets: str | Path | Mapping[str, Sequence[str]] | None = None,
        min_coverage: float = 0.5,
        screen: int | None = None,
        n_components: int | None = None,
        whiten: bool = True,
        missing: Missing = "error",
        max_missing_genes: float = 0.1,
        profiled: Sequence[str] | str | Path | None = None,
        samples: SampleMap | None = None,
    ) -> None:
        self.layout = layout
        self.log = log
        self.max_genes = max_genes
        self.clip = clip
        self.gene_sets = gene_sets
        self.min_coverage = min_coverage
        self.screen = screen
        self.n_components = n_components
        self.whiten = whiten
        self.missing = missing
        self.max_missing_genes = max_missing_genes
        self.profiled = profiled
        self.samples = samples

    def read(self, source: Any) -> pd.DataFrame:
        """Return a row per patient and a column per gene from a file in ``layout``.

        A fitted adapter reads a MAF into the genes it was fitted on.

        Raises
        ------
        TableError
            When the file is not of that layout, or the ids cannot be used.
        """
        # In a MAF a gene without a mutation does not occur: its column has to be asked for.
        genes = getattr(self, "columns_", None)
        return read_genes(
            source, self.layout, genes=genes, profiled=self.profiled, samples=self.samples
        )

    def fit(self, table: pd.DataFrame, y: pd.DataFrame | pd.Series | None = None) -> Self:
        """Learn scale and projection from the training patients.

        Raises
        ------
        NonFiniteError
            When a cell is infinite, or empty and ``missing="error"``.
        TableError
            When a column is not numeric, none varies, no gene set is covered, or ``screen``
            is set and there is no ``y``.
        MissingModalityError
            When no patient has a value.

        Warns
        -----
        TableWarning
            Of genes that tell the outcome.
        """
        checked = patient_table(table)
        values = self._numbers(checked)
        present = np.flatnonzero(~np.isnan(values).all(axis=1))
        values = values[present]
        require_somebody(values, _WHAT)
        self.columns_ = list(checked.columns)
        standard = learn_standard(values, self._choose_genes(values))
        self.kept_, self.median_, self.mean_, self.scale_ = standard
        features = self._standardised(values)
        self.names_ = [self.columns_[place] for place in self.kept_]
        warn_of_leaks(features, self.names_, list(checked.index[present]), y, _WHAT)
        self.matrix_: Floats | None = None
        self.offset_ = np.zeros(1)
        if self.gene_sets is not None:
            features = self._score_sets(features, self.gene_sets)
        if self.screen is not None:
            features = self._screen(features, checked.index[present], y, self.screen)
        if self.n_components is not None:
            self._project(features, self.n_components)
        return self

    def transform(self, table: pd.DataFrame) -> Block:
        """Return the features; a row without any value is an absent patient.

        Raises
        ------
        TableError
            When there are other genes than in ``fit``, or more than ``max_missing_genes`` of
            them are missing.
        NonFiniteError
            When a cell is infinite, or empty and ``missing="error"``.

        Warns
        -----
        TableWarning
            When genes are missing and filled.
        """
        check_is_fitted(self)
        checked = patient_table(table)
        absent = self._absent(checked)
        known = [name for name in self.columns_ if name not in absent]
        chosen = select_columns(checked, known, _WHAT).reindex(columns=self.columns_)
        values = self._numbers(chosen, absent)
        features = self._standardised(values)
        if self.matrix_ is not None:
            features = features @ self.matrix_.T + self.offset_
        return Block.of(chosen.index, features, self.names_, ~np.isnan(values).all(axis=1))

    def _absent(self, table: pd.DataFrame) -> set[str]:
        """Return the genes of training that a table lacks, if they are few enough to be filled."""
        absent = [name for name in self.columns_ if name not in table.columns]
        if not absent or len(absent) > self.max_missing_genes * len(self.columns_):
            return set()
        warnings.warn(
            f"{len(absent)} of {len(self.columns_)} genes of training are missing from {_WHAT} and "
            f"count as the median of training (first: {first_few(absent, 5)}).",
            TableWarning,
            stacklevel=4,
        )
        return set(absent)

    def _numbers(self, table: pd.DataFrame, absent: Collection[str] = ()) -> Floats:
        values = numbers(table, _WHAT)
        if self.missing == "error":
            held = ~table.columns.isin(list(absent))
            require_no_gaps(values[:, held], table.loc[:, held], _WHAT)
        if self.log == "signed":
            return np.asarray(np.sign(values) * np.log1p(np.abs(values)))
        if self.log == "log2":
            if (values < 0).any():
                msg = (
                    f"log='log2' needs values of 0 or more, and the smallest is "
                    f"{np.nanmin(values):g}. Use log='signed' for z-scores and logarithms."
                )
                raise TableError(msg)
            return np.asarray(np.log2(1 + values))
        return values

    def _choose_genes(self, values: Floats) -> NDArray[np.intp]:
        kept = np.flatnonzero(varies(values))
        if not len(kept):
            msg = (
                f"None of the {values.shape[1]} genes varies over the {len(values)} training "
                "patients. Leave the table out."
            )
            raise TableError(msg)
        if self.max_genes is None:
            return kept
        # Stable: of genes of equal variance the first in the table stays, on every machine.
        order = np.argsort(-np.nanvar(values[:, kept], axis=0), kind="stable")
        return np.sort(kept[order[: self.max_genes]])

    def _standardised(self, values: Floats) -> Floats:
        standard = Standard(self.kept_, self.median_, self.mean_, self.scale_)
        features = apply_standard(values, standard)
        return features if self.clip is None else np.clip(features, -self.clip, self.clip)

    def _score_sets(
        self, features: Floats, sets: str | Path | Mapping[str, Sequence[str]]
    ) -> Floats:
        """Average the genes of each set, and bring the averages to the scale of genes."""
        named = sets if isinstance(sets, Mapping) else read_gmt(sets)
        names, weights = membership(named, self.names_, self.min_coverage)
        scores = features @ weights.T
        # Genes that cancel out leave rounding, which must not be blown up.
        kept = np.flatnonzero(scores.std(axis=0) > 1e-8)
        self.names_, weights, scores = [names[k] for k in kept], weights[kept], scores[:, kept]
        mean, scale = scores.mean(axis=0), scores.std(axis=0)
        self.matrix_, self.offset_ = weights / scale[:, None], -mean / scale
        return np.asarray((scores - mean) / scale)

    def _screen(
        self, features: Floats, ids: pd.Index, y: pd.DataFrame | pd.Series | None, count: int
    ) -> Floats:
        chosen = strongest_columns(features, ids, y, count)
        self.names_ = [self.names_[place] for place in chosen]
        if self.matrix_ is None:
            self.kept_, self.median_ = self.kept_[chosen], self.median_[chosen]
            self.mean_, self.scale_ = self.mean_[chosen], self.scale_[chosen]
        else:
            self.matrix_, self.offset_ = self.matrix_[chosen], self.offset_[chosen]
        return features[:, chosen]

    def _project(self, features: Floats, count: int) -> None:
        centre = features.mean(axis=0)  # clipping moves it from 0
        loadings, deviation = learn_components(features - centre, count)
        if self.whiten:
            loadings = loadings / deviation[:, None]
        before = self.offset_ if self.matrix_ is not None else np.zeros(1)
        # Both maps in one, so that ``transform`` is a single product.
        self.offset_ = loadings @ (before - centre)
        self.matrix_ = loadings if self.matrix_ is None else loadings @ self.matrix_
        self.names_ = [f"PC{number}" for number in range(1, len(deviation) + 1)]
