"""Patch vectors as few columns: learned from a sample, kept in half precision in a file.

Thousands of slides of thousands of patches do not fit in memory, and training goes over them a
hundred times.  So every slide is read once, reduced to a few columns, and these lie in a temporary
file that the operating system keeps in memory as far as there is room.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msfusion_sdk.arrays import Floats, Rows
from msfusion_sdk.bags.bag import Bag
from msfusion_sdk.bags.learned import Reduced, singles
from msfusion_sdk.errors import ShapeError, TableError

__all__ = ["Columns", "ReducedBags", "learn_columns", "reduced_bags"]

SAMPLED_BAGS, SAMPLED_PATCHES = 200, 64
STARTS, POWERS, SHIFT = 16, 30, 0.1


class Columns(NamedTuple):
    """Few columns of patch vectors."""

    reduced: Reduced
    principal: Floats
    """The rotation from columns to principal components, the largest first, (column, component)."""


def learn_columns(bags: Sequence[Bag], count: int, rng: np.random.Generator) -> Columns:
    """Return the first principal components of standardised patch vectors, each of deviation 1.

    They are rotated to columns as skewed as they can be.  Learned from at most 64 patches of each
    of at most 200 bags.

    Parameters
    ----------
    count : int
        Columns; fewer when the sample spans fewer.

    Raises
    ------
    ShapeError
        When bags hold vectors of different lengths.
    TableError
        When all patches are the same.
    """
    sample = _sample(bags, rng)
    mean, deviation = sample.mean(0), sample.std(0)
    varies = deviation > 1e-7 * max(1.0, float(np.abs(mean).max()))
    if not varies.any():
        msg = f"All patches of the {len(bags)} training patients are the same: nothing to learn."
        raise TableError(msg)
    scale = np.where(varies, 1 / np.where(varies, deviation, 1.0), 0.0)
    standard = (sample - mean) * scale
    squares, axes = np.linalg.eigh(standard.T @ standard / len(standard))
    kept = squares[::-1][:count]
    # What is left is rounding, and would be blown up to deviation 1.
    kept = kept[kept > 1e-8 * kept[0]]
    loadings = axes[:, ::-1][:, : len(kept)] / np.sqrt(kept)
    rotation = _rotation(standard @ loadings)
    matrix = scale[:, None] * loadings @ rotation
    return Columns(Reduced(mean.astype(np.float32), matrix.astype(np.float32)), rotation.T)


class ReducedBags:
    """The columns of all patches of some bags, in one file.

    Parameters
    ----------
    rows : float16, shape (patch of all bags, column)
    ends : shape (bag,)
        Where each bag ends.
    means : float64, shape (bag, feature)
        The plain mean of each bag's patch vectors.
    """

    def __init__(self, rows: NDArray[np.float16], ends: Rows, means: Floats) -> None:
        self._rows, self._ends, self.means = rows, ends, means

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def columns(self) -> int:
        """Number of columns."""
        return int(self._rows.shape[1])

    @property
    def sizes(self) -> Rows:
        """Patches of each bag, shape (bag,)."""
        return np.diff(self._ends, prepend=0)

    def drawn(
        self, bags: Rows, most: int, rng: np.random.Generator, share: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Return random patches of some bags, all of them where there are no more.

        Parameters
        ----------
        bags : shape (bag,)
            Their places.
        most : int
            Patches of a bag.
        share : float
            What is kept of those, at least one patch; the others are dropped by chance.

        Returns
        -------
        patches : float32, shape (bag, patch, column)
        there : bool, shape (bag, patch)
            False where a bag has fewer patches.
        """
        sizes = self.sizes[bags]
        wanted = np.ceil(share * np.minimum(sizes, most)).astype(np.intp)
        patches = np.zeros((len(bags), int(wanted.max()), self.columns), np.float16)
        for place, (bag, size, count) in enumerate(zip(bags, sizes, wanted, strict=True)):
            start = self._ends[bag] - size
            # Sorted: rows are read from the file in their order.
            chosen = np.sort(rng.choice(size, count, False, shuffle=False)) if count < size else ...
            patches[place, :count] = self._rows[start : start + size][chosen]
        there = np.arange(patches.shape[1]) < wanted[:, None]
        # Of half precision torch makes floats six times as fast as numpy.
        return torch.from_numpy(patches).float(), torch.from_numpy(there)


@contextmanager
def reduced_bags(bags: Sequence[Bag], reduced: Reduced) -> Iterator[ReducedBags]:
    """Read every slide once, and give the columns of all patches as long as the block lasts.

    The file has two bytes per patch and column, in the folder for temporary files (``TMPDIR``).
    """
    with TemporaryDirectory(prefix="msfusion-bags-") as folder:
        path = Path(folder) / "columns.f16"
        ends: list[int] = []
        means: list[Floats] = []
        with path.open("wb") as file:
            for bag in bags:
                total, count = np.zeros(len(reduced.shift)), 0
                for stored in bag.blocks():
                    block = singles(stored)
                    file.write(reduced(block).astype(np.float16).tobytes())
                    total += block.sum(0, dtype=np.float64)
                    count += len(block)
                ends.append((ends[-1] if ends else 0) + count)
                means.append(total / count)
        shape = (ends[-1], reduced.matrix.shape[1])
        rows = np.memmap(path, np.float16, "r", shape=shape)
        yield ReducedBags(rows, np.array(ends, np.intp), np.stack(means))


def _rotation(columns: Floats) -> Floats:
    """Return the rotation to columns each as skewed as it can be, the most skewed first.

    A finding in few patches skews the column that points at it, and hardly changes anything else.
    By the shifted power method on the tensor of third moments, one column after the other: Kolda
    and Mayo, SIAM Journal on Matrix Analysis and Applications 32 (2011) 1095-1124.
    """
    width = columns.shape[1]
    moments = np.stack([(columns * one[:, None]).T @ columns for one in columns.T]) / len(columns)
    flat, rotation = moments.reshape(width * width, width), np.zeros((width, width))
    rng = np.random.default_rng(0)
    for place in range(width):
        found, ways = rotation[:, :place], rng.normal(size=(width, STARTS))
        for _ in range(POWERS):
            ways -= found @ (found.T @ ways)
            ways /= np.linalg.norm(ways, axis=0)
            turned = ((flat @ ways).reshape(width, width, -1) * ways).sum(1)
            # The part of what was there keeps it from vanishing where nothing is skewed.
            last, ways = ways, turned + SHIFT * ways
        rotation[:, place] = last[:, (last * turned).sum(0).argmax()]
    return rotation


def _sample(bags: Sequence[Bag], rng: np.random.Generator) -> Floats:
    chosen = rng.permutation(len(bags))[:SAMPLED_BAGS]
    parts, width = [], None
    for place in sorted(chosen):
        vectors = _some_rows(bags[place], rng)
        if width not in (None, vectors.shape[1]):
            msg = (
                f"Bags of different networks: patches of {width} and of {vectors.shape[1]} "
                "features. Give all patients patches of one network."
            )
            raise ShapeError(msg)
        width = vectors.shape[1]
        parts.append(vectors)
    return np.concatenate(parts)


def _some_rows(bag: Bag, rng: np.random.Generator) -> Floats:
    """Return a few patches of one slide of the bag, slides by chance."""
    slide = bag.slides[rng.integers(len(bag.slides))]
    vectors = slide.read()
    rows = np.sort(rng.permutation(len(vectors))[:SAMPLED_PATCHES])
    return np.asarray(vectors[rows], np.float64)
