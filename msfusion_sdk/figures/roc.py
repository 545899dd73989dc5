"""ROC curves: the mean over folds, with a band from resampled patients."""

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.figures.class_curves import GRID, CurveKind, draw_class_curves

__all__ = ["draw_roc"]


def draw_roc(evaluation: Evaluation, *, model: str | None = None) -> Figure:
    """Return the ROC curve of each class against the rest; of two, that of the positive one.

    Sensitivity is averaged over folds at each false-positive rate; the band holds 95 % of the
    resamples of patients within folds, classes kept in their share.

    Parameters
    ----------
    evaluation : Evaluation
        As ``evaluate`` returns it.
    model : str, optional
        The reference by default.

    Raises
    ------
    DegenerateSplitError
        When a class is in no test fold together with another one.
    """
    return draw_class_curves(evaluation, model, _ROC)


def _sensitivity(is_in: Bools, score: Floats, weight: Floats) -> Floats:
    false, true, _ = roc_curve(is_in, score, sample_weight=weight)
    # Straight between two thresholds: calling some by the one, some by the other gives that point.
    return np.asarray(np.interp(GRID, false, true), np.float64)


_ROC = CurveKind(
    curve=_sensitivity,
    metric="auroc",
    x_label="false-positive rate (1 − specificity)",
    y_label="sensitivity",
    legend="lower right",
    begins_at_zero=True,
)
