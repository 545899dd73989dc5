"""Views that hold both finding and background, and the loss by which attention learns where.

The score of an image is the mean of its attention map.  Cross-entropy alone leaves that mean where
it likes: at nearly one on all tissue, so that every patch weighs alike.  Here each place of the map
is told whether the finding is there.  The mean is then the share of the finding, and background
weighs next to nothing.

Source of mixed images: Yun et al. (CutMix), ICCV 2019, arXiv:1905.04899; here the outline is
irregular, only background is drawn into, and the label is the finding's whatever its share.
"""

from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

__all__ = ["MixedViews", "attention_loss", "mix", "outline"]

MIXED_SHARE = 0.5
"""Of the views of background, those into which a finding is drawn."""
SMALLEST, LARGEST = 0.05, 0.8
"""Share of a mixed view that is finding."""
MARGIN = 0.02
"""Attention is asked for 0.02 and 0.98: nearer to 0 and 1 a place that was drawn wrongly, normal
tissue within a tile of tumour say, would cost more than all others together."""
EDGE_PX = 3.0
"""Standard deviation of the blur at the outline; a sharp cut would tell that it is one."""


class MixedViews(NamedTuple):
    """A batch in which some views of background hold a finding."""

    views: Tensor
    """Shape (image, 3, edge, edge), 0..255."""
    labels: Tensor
    """Shape (image,): of the finding where there is one."""
    finding: Tensor
    """Shape (image, edge, edge): 1 where the finding is, 0 where background is."""
    is_mixed: Tensor
    """Shape (image,), bool."""


def outline(edge: int, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return an irregular region of about ``share`` of a square, shape (edge, edge)."""
    knots = int(rng.choice([3, 4, 6]))
    coarse = rng.standard_normal((knots, knots)).astype(np.float32)
    field = np.asarray(cv2.resize(coarse, (edge, edge), interpolation=cv2.INTER_CUBIC))
    return np.asarray(field > np.quantile(field, 1 - share))


def mix(
    views: Tensor, labels: Tensor, background: int | None, rng: np.random.Generator
) -> MixedViews:
    """Draw findings of a batch into half of its views of background.

    Parameters
    ----------
    views : shape (image, 3, edge, edge), 0..255
    labels : shape (image,)
    background : int, optional
        The class without the finding; None mixes nothing.
    """
    if background is None:
        nothing = torch.zeros(len(labels), dtype=torch.bool)
        return MixedViews(views, labels, nothing, nothing)
    # Copies, whatever the views are: the batch belongs to the loader.
    views, labels = views.to(torch.float32, copy=True), labels.clone()
    edge = views.shape[-1]
    finding = (labels != background).float()[:, None, None].repeat(1, edge, edge)
    is_mixed = torch.zeros(len(labels), dtype=torch.bool)
    sources = torch.nonzero(labels != background).ravel().tolist()
    for row in torch.nonzero(labels == background).ravel().tolist() if sources else ():
        if rng.random() >= MIXED_SHARE:
            continue
        source = int(rng.choice(sources))
        # As often of 5 to 10 % as of 40 to 80 %: little of it is what must be found.
        share = float(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST))))
        inside = outline(edge, share, rng).astype(np.float32)
        cover = torch.from_numpy(cv2.GaussianBlur(inside, (0, 0), EDGE_PX))
        views[row] += cover * (views[source] - views[row])
        labels[row], finding[row] = labels[source], torch.from_numpy(inside)
        is_mixed[row] = True
    return MixedViews(views, labels, finding, is_mixed)


def attention_loss(logits: Tensor, finding: Tensor) -> Tensor:
    """Return the cross-entropy between attention and the share of the finding, by place.

    Parameters
    ----------
    logits : shape (image, 1, height, width)
        Of the last attention map, before the sigmoid.
    finding : shape (image, edge, edge), in 0..1
    """
    height, width = logits.shape[-2:]
    share = nn.functional.adaptive_avg_pool2d(finding[:, None], (height, width))
    wanted = MARGIN + (1 - 2 * MARGIN) * share
    return nn.functional.binary_cross_entropy_with_logits(logits.float(), wanted)
