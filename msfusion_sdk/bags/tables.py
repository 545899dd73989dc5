"""Tables of bags: what they are known by, and the plain mean of each bag."""

import numpy as np
import pandas as pd

from msfusion_sdk.arrays import Floats
from msfusion_sdk.bags.bag import PATCHES, Bag
from msfusion_sdk.tables.frames import ID_COLUMN

__all__ = ["holds_bags", "mean_table"]


def holds_bags(table: pd.DataFrame) -> bool:
    """Return whether a table is one of bags, as ``bag_table`` makes them."""
    return list(table.columns) == [PATCHES] and any(isinstance(c, Bag) for c in table[PATCHES])


def mean_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the mean patch vector of each bag: columns ``v0000`` …, a row per patient.

    All patches of a patient count alike; who has no bag has no row.  Slides are read one at a time.
    """
    bags = {patient: bag for patient, bag in table[PATCHES].items() if isinstance(bag, Bag)}
    means = np.stack([_mean(bag) for bag in bags.values()])
    index = pd.Index(list(bags), name=ID_COLUMN, dtype=object)
    columns = [f"v{number:04d}" for number in range(means.shape[1])]
    return pd.DataFrame(means.astype(np.float32), index, columns)


def _mean(bag: Bag) -> Floats:
    total: Floats | float = 0.0
    count = 0
    for block in bag.blocks():
        total = total + block.sum(0, dtype=np.float64)
        count += len(block)
    return np.asarray(total / count)
