"""New log-odds for a classifier: one slope and an offset per class, fitted to new patients.

With two classes it is logistic recalibration (Cox, Biometrika 45 (1958) 562-565; Steyerberg et al.,
Statistics in Medicine 23 (2004) 2567-2586): the order of patients stays, as the slope is not
negative.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from msfusion_sdk.arrays import Floats

__all__ = ["fit_recalibration"]


def fit_recalibration(logits: Floats, codes: NDArray[np.int64]) -> tuple[float, Floats]:
    """Return slope and offsets with which ``slope · logits + offsets`` are the likeliest.

    Parameters
    ----------
    logits : shape (patient, class)
        Log-odds that were predicted, up to a number per patient.
    codes : int, shape (patient,)
        The class of each patient; every class is there.

    Returns
    -------
    slope : float, at least 0
        Below 1 the predictions were too extreme.
    offsets : shape (class,)
        The first is 0.
    """
    patients, classes = logits.shape
    is_class = codes[:, None] == np.arange(classes)

    def loss(point: Floats) -> tuple[float, Floats]:
        shifted = point[0] * logits + np.concatenate([[0.0], point[1:]])
        log_sum = np.logaddexp.reduce(shifted, axis=1, keepdims=True)
        error = np.exp(shifted - log_sum) - is_class
        value = float((log_sum[:, 0] - shifted[is_class]).sum()) / patients
        gradient = np.concatenate([[(error * logits).sum()], error.sum(axis=0)[1:]]) / patients
        return value, gradient

    start = np.concatenate([[1.0], np.zeros(classes - 1)])
    bounds = [(0.0, None), *[(None, None)] * (classes - 1)]
    options = {"ftol": 1e-14, "gtol": 1e-10, "maxiter": 1000}
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B", options=options)
    return float(found.x[0]), np.concatenate([[0.0], found.x[1:]])
