"""The classifier of slide vectors that fine-tuning starts from: a logistic regression.

A classifier of random weights would first pull the networks' features apart; one that fits them
leaves what they know.  Source: Kumar et al., ICLR 2022, arXiv:2202.10054.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from torch import Tensor, nn

__all__ = ["Probe"]

STRENGTHS = (0.001, 0.01, 0.1, 1.0)
FOLDS = 3


class Probe(nn.Module):
    """Logits of slide vectors, shape (1024,) or (slide, 1024).

    Vectors are centred and divided by one number.  A number for each feature would blow up those
    that hardly vary, and with them every small change of the networks.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(features))
        self.register_buffer("scale", torch.ones(()))
        self.linear = nn.Linear(features, classes)

    def forward(self, vectors: Tensor) -> Tensor:
        """Return logits, shape (class,) or (slide, class)."""
        logits: Tensor = self.linear((vectors - self.centre) / self.scale)
        return logits

    def fit(self, vectors: NDArray[np.float32], codes: NDArray[np.intp]) -> None:
        """Become the ridge logistic regression of these slides; every class counts the same.

        Parameters
        ----------
        vectors : shape (slide, 1024)
        codes : shape (slide,)
            Numbers of the classes, each of at least three slides.
        """
        centre = vectors.mean(axis=0)
        scale = max(float((vectors - centre).std()), 1e-7)
        # As in fine-tuning, where rare classes count as much as common ones.
        ridge = LogisticRegression(class_weight="balanced", max_iter=2000)
        search = GridSearchCV(ridge, {"C": STRENGTHS}, cv=FOLDS, scoring="neg_log_loss")
        model = search.fit((vectors - centre) / scale, codes).best_estimator_
        weight, bias = model.coef_, model.intercept_
        if len(weight) == 1:  # two classes: scikit-learn keeps the logit of the second alone
            weight, bias = np.vstack([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
        with torch.no_grad():
            for mine, found in (
                (self.centre, centre),
                (self.scale, scale),
                (self.linear.weight, weight),
                (self.linear.bias, bias),
            ):
                mine.copy_(torch.as_tensor(found))
