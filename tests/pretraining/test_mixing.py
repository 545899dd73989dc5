"""Mixed views and the loss of attention, against plain loops."""

import numpy as np
import pytest
import torch

from msfusion_sdk.pretraining.mixing import MARGIN, attention_loss, mix, outline

EDGE = 64


@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
def test_an_outline_covers_its_share(share: float) -> None:
    covered = [outline(EDGE, share, np.random.default_rng(seed)).mean() for seed in range(20)]
    assert np.allclose(covered, share, atol=0.01)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Return one-coloured views: background 10, findings 100 and 200."""
    values = torch.tensor([10, 100, 10, 200, 10, 10, 10, 10], dtype=torch.uint8)
    labels = torch.tensor([1, 0, 1, 2, 1, 1, 1, 1])
    return values[:, None, None, None].repeat(1, 3, EDGE, EDGE), labels


def test_findings_are_drawn_into_background_alone() -> None:
    views, labels = batch()
    mixed = mix(views, labels, 1, np.random.default_rng(3))
    assert 0 < mixed.is_mixed.sum() < 6
    for row in range(len(labels)):
        if not mixed.is_mixed[row]:
            assert torch.equal(mixed.views[row], views[row].float())
            assert mixed.labels[row] == labels[row]
            assert (mixed.finding[row] == float(labels[row] != 1)).all()
            continue
        assert labels[row] == 1
        source = {0: 100.0, 2: 200.0}[int(mixed.labels[row])]
        # Twelve pixels from the outline, four of the blur's deviations, nothing is blended.
        inside, drawn = mixed.finding[row].bool().numpy(), mixed.views[row].numpy()
        for y, x in np.ndindex(EDGE, EDGE):
            around = inside[max(0, y - 12) : y + 13, max(0, x - 12) : x + 13]
            if around.all() or not around.any():
                wanted = source if around.all() else 10.0
                assert np.allclose(drawn[:, y, x], wanted, atol=0.5)
    # The loader's own batch is not drawn into.
    assert torch.equal(views, batch()[0])


def test_a_batch_without_a_finding_stays_as_it_is() -> None:
    views, labels = batch()
    is_background = labels == 1
    mixed = mix(views[is_background], labels[is_background], 1, np.random.default_rng(0))
    assert not mixed.is_mixed.any()
    assert not mixed.finding.any()


def test_the_loss_is_the_cross_entropy_at_each_place() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3, 1, 2, 4)).astype(np.float32)
    finding = (rng.random((3, 8, 8)) < 0.4).astype(np.float32)
    total = 0.0
    for image, row, column in np.ndindex(3, 2, 4):
        cell = finding[image, 4 * row : 4 * row + 4, 2 * column : 2 * column + 2]
        wanted = MARGIN + (1 - 2 * MARGIN) * cell.mean()
        score = 1 / (1 + np.exp(-logits[image, 0, row, column]))
        total -= wanted * np.log(score) + (1 - wanted) * np.log(1 - score)
    loss = attention_loss(torch.from_numpy(logits), torch.from_numpy(finding))
    assert float(loss) == pytest.approx(total / 24, rel=1e-5)


def test_a_full_attention_still_learns() -> None:
    """A sigmoid of 40 is 1, and has no gradient; the loss has one."""
    logits = torch.full((1, 1, 2, 2), 40.0, requires_grad=True)
    attention_loss(logits, torch.zeros(1, 8, 8)).backward()
    assert logits.grad is not None
    assert (logits.grad > 0.2).all()
