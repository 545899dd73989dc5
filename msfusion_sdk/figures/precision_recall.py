"""Precision and recall: the mean over folds, with a band from resampled patients."""

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.figures.class_curves import GRID, CurveKind, draw_class_curves

__all__ = ["draw_precision_recall"]


def draw_precision_recall(evaluation: Evaluation, *, model: str | None = None) -> Figure:
    """Return precision by recall of each class against the rest; of two, of the positive one.

    Precision is averaged over folds at each recall; the band holds 95 % of the resamples of
    patients within folds, classes kept in their share.  A dotted line is the share of the
    class: the precision of guessing.

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
    return draw_class_curves(evaluation, model, _PRECISION_RECALL)


def _precision(is_in: Bools, score: Floats, weight: Floats) -> Floats:
    """Return the precision at each recall: of the first threshold that reaches it."""
    precision, recall, _ = precision_recall_curve(is_in, score, sample_weight=weight)
    precision, recall = precision[::-1], recall[::-1]
    # Not a line between points, which would promise precision that no threshold has.
    place = np.searchsorted(recall, GRID - 1e-12, side="left")
    return np.asarray(precision[np.minimum(np.maximum(place, 1), len(precision) - 1)], np.float64)


_PRECISION_RECALL = CurveKind(
    curve=_precision,
    metric="auprc",
    x_label="recall (sensitivity)",
    y_label="precision",
    legend="lower left",
    begins_at_zero=False,
)
