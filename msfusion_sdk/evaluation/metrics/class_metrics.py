"""The metrics of predicted classes, by scikit-learn, each with a statistic for resamples."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
)

from msfusion_sdk.arrays import Bools, Floats
from msfusion_sdk.errors import DegenerateSplitError
from msfusion_sdk.evaluation.metrics.metric import Best, Metric, Statistic
from msfusion_sdk.evaluation.metrics.predictions import ClassPredictions
from msfusion_sdk.evaluation.metrics.resampling import (
    average_precision_statistic,
    mean_of_statistics,
    mean_statistic,
    pair_statistic,
    recall_statistic,
)
from msfusion_sdk.outcomes.classes import ClassOutcome
from msfusion_sdk.phrases import first_few

__all__ = ["class_metrics", "expected_calibration_error"]

_SURE = float(np.finfo(np.float64).eps)  # where scikit-learn cuts probabilities off


def class_metrics(classes: Sequence[Any]) -> tuple[Metric[ClassPredictions], ...]:
    """Return AUROC, AUPRC, balanced accuracy, Brier score, log loss and calibration.

    With more than two classes AUROC and AUPRC are plain means over one-against-rest.  Pooled
    values put the probabilities of all folds together: a probability means the same in each.
    Calibration is judged over all folds together alone.
    """
    metrics = [
        _metric("auroc", "AUROC", "high", _auroc, _auroc_statistic, chance=0.5),
        _metric("auprc", "AUPRC", "high", _auprc, _auprc_statistic),
        _metric("balanced_accuracy", "balanced accuracy", "high", _balanced_accuracy, _recall),
        _metric("brier", "Brier score", "low", _brier, lambda j: mean_statistic(_brier_errors(j))),
        _metric("log_loss", "log loss", "low", _log_loss, lambda j: mean_statistic(_log_losses(j))),
        _metric("ece", "ECE", "low", _ece, is_per_fold=False),
    ]
    if len(classes) == 2:
        slope = _metric("calibration_slope", "calibration slope", "one", _slope, is_per_fold=False)
        metrics.append(slope)
    return tuple(metrics)


def expected_calibration_error(codes: NDArray[np.int64], proba: Floats, bins: int = 10) -> float:
    """Return the mean distance between predicted chance and observed share; 0 is best.

    Of two classes the chance of the positive one is looked at, of more that of the likeliest,
    in ``bins`` of equal width.

    Parameters
    ----------
    codes : int, shape (patient,)
        The class of each patient, from 0.
    proba : shape (patient, class), rows sum to 1
    bins : int

    Notes
    -----
    Source: Naeini, Cooper & Hauskrecht, AAAI 2015.
    """
    if proba.shape[1] == 2:
        chance, is_right = proba[:, 1], codes == 1
    else:
        chance, is_right = proba.max(axis=1), proba.argmax(axis=1) == codes
    # A chance of exactly 1 belongs to the last bin.
    place = np.minimum((chance * bins).astype(np.intp), bins - 1)
    gap = np.bincount(place, chance - is_right, bins)
    return float(np.abs(gap).sum() / len(codes))


def _metric(
    name: str,
    label: str,
    best: Best,
    value: Callable[[ClassPredictions], float],
    statistic: Callable[[ClassPredictions], Statistic] | None = None,
    *,
    chance: float | None = None,
    is_per_fold: bool = True,
) -> Metric[ClassPredictions]:
    def pooled(folds: Sequence[ClassPredictions]) -> float:
        return value(_together(folds))

    return Metric(name, label, best, value, statistic, pooled, chance, is_per_fold)


def _together(folds: Sequence[ClassPredictions]) -> ClassPredictions:
    outcome = ClassOutcome(
        tuple(patient for fold in folds for patient in fold.patient_ids),
        np.concatenate([fold.outcome.codes for fold in folds]),
        folds[0].outcome.classes,
    )
    return ClassPredictions(outcome, np.concatenate([fold.proba for fold in folds]))


def _require_all_classes(out_of_fold: ClassPredictions) -> None:
    found = set(out_of_fold.outcome.codes.tolist())
    missing = [name for code, name in enumerate(out_of_fold.outcome.classes) if code not in found]
    if missing:
        msg = (
            f"None of the {len(out_of_fold.outcome.codes)} test patients has class "
            f"{first_few(missing)}. Use fewer folds."
        )
        raise DegenerateSplitError(msg)


def _against_rest(out_of_fold: ClassPredictions) -> list[tuple[Bools, Floats]]:
    return [
        (out_of_fold.outcome.codes == code, out_of_fold.proba[:, code])
        for code in out_of_fold.present_classes
    ]


def _auroc(out_of_fold: ClassPredictions) -> float:
    _require_all_classes(out_of_fold)
    return float(np.mean([roc_auc_score(*pair) for pair in _against_rest(out_of_fold)]))


def _auroc_statistic(out_of_fold: ClassPredictions) -> Statistic:
    return mean_of_statistics(
        [
            pair_statistic(
                chance,
                cases=np.flatnonzero(is_in),
                weight=np.ones(is_in.sum()),
                # A view: every case has the same partners, so no matrix is made.
                comparable=np.broadcast_to(~is_in, (is_in.sum(), len(is_in))),
                tied_tol=0,
            )
            for is_in, chance in _against_rest(out_of_fold)
        ]
    )


def _auprc(out_of_fold: ClassPredictions) -> float:
    _require_all_classes(out_of_fold)
    return float(np.mean([average_precision_score(*pair) for pair in _against_rest(out_of_fold)]))


def _auprc_statistic(out_of_fold: ClassPredictions) -> Statistic:
    pairs = _against_rest(out_of_fold)
    return mean_of_statistics([average_precision_statistic(p, is_in) for is_in, p in pairs])


def _balanced_accuracy(out_of_fold: ClassPredictions) -> float:
    _require_all_classes(out_of_fold)
    return float(
        balanced_accuracy_score(out_of_fold.outcome.codes, out_of_fold.proba.argmax(axis=1))
    )


def _recall(out_of_fold: ClassPredictions) -> Statistic:
    is_right = out_of_fold.proba.argmax(axis=1) == out_of_fold.outcome.codes
    return recall_statistic(is_right, out_of_fold.outcome.codes, len(out_of_fold.outcome.classes))


def _brier(out_of_fold: ClassPredictions) -> float:
    if len(out_of_fold.outcome.classes) == 2:
        return float(
            brier_score_loss(out_of_fold.outcome.codes, out_of_fold.proba[:, 1], pos_label=1)
        )
    return float(_brier_errors(out_of_fold).mean())


def _brier_errors(out_of_fold: ClassPredictions) -> Floats:
    """Return squared errors summed over classes; halved for two, as is usual there."""
    is_class = out_of_fold.outcome.codes[:, None] == np.arange(len(out_of_fold.outcome.classes))
    errors: Floats = ((out_of_fold.proba - is_class) ** 2).sum(axis=1)
    return errors / 2 if len(out_of_fold.outcome.classes) == 2 else errors


def _log_loss(out_of_fold: ClassPredictions) -> float:
    return float(
        log_loss(
            out_of_fold.outcome.codes,
            out_of_fold.proba,
            labels=list(range(len(out_of_fold.outcome.classes))),
        )
    )


def _log_losses(out_of_fold: ClassPredictions) -> Floats:
    own = out_of_fold.proba[np.arange(len(out_of_fold.outcome.codes)), out_of_fold.outcome.codes]
    losses: Floats = -np.log(np.clip(own, _SURE, 1 - _SURE))
    return losses


def _ece(out_of_fold: ClassPredictions) -> float:
    return expected_calibration_error(out_of_fold.outcome.codes, out_of_fold.proba)


def _slope(out_of_fold: ClassPredictions) -> float:
    """Return the slope of a logistic curve on the logit of the prediction; 1 is best."""
    _require_all_classes(out_of_fold)
    chance = np.clip(out_of_fold.proba[:, 1], _SURE, 1 - _SURE)
    logit = np.log(chance) - np.log1p(-chance)
    above, below = logit[out_of_fold.outcome.codes == 1], logit[out_of_fold.outcome.codes == 0]
    # Without an overlap the slope grows for ever, and the fit stops at any number.
    if above.min() >= below.max() or above.max() <= below.min():
        msg = (
            f"The predictions of {len(above)} and {len(below)} test patients separate the classes "
            "perfectly or are all the same, so no calibration slope exists."
        )
        raise DegenerateSplitError(msg)
    # Without a penalty, which would pull the slope towards 0.
    curve = LogisticRegression(C=np.inf, solver="newton-cholesky")
    curve.fit(logit[:, None], out_of_fold.outcome.codes)
    return float(curve.coef_[0, 0])
