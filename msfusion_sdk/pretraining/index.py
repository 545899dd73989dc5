"""Labelled tiles on disk: a folder per class and an ``index.csv`` that names groups.

    FOLDER/index.csv              columns class, file, group
    FOLDER/<class>/<file>         8-bit RGB images, all of one size and one mpp
    FOLDER/linked_groups.csv      optional: group_a, group_b must stay on one side of a split

A *group* is a set of tiles that are not independent (one photograph, one patient).
Splits are by group, joined through the links, and never by file.  An index with a column
``part`` (train, validation, test) brings its own split.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd

from msfusion_sdk.errors import TableError
from msfusion_sdk.tables.files.reading import read_strings as read_cells
from msfusion_sdk.tables.files.table_file import TableFile

__all__ = ["PARTS", "Part", "TileIndex", "assign_parts", "read_strings", "read_tile_index"]

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = get_args(Part)
COLUMNS = ("class", "file", "group")


@dataclass(frozen=True)
class TileIndex:
    """Paths, labels and parts of a folder of labelled tiles."""

    root: Path
    table: pd.DataFrame
    """Columns class, file, group, cluster (of linked groups), part; a row per tile."""
    classes: tuple[str, ...]
    """Class names in the order of the logits."""

    def part(self, name: Part) -> tuple[list[Path], list[int]]:
        """Return the paths and the class numbers of one part."""
        rows = self.table[self.table["part"] == name]
        paths = [self.root / c / f for c, f in zip(rows["class"], rows["file"], strict=True)]
        return paths, [self.classes.index(c) for c in rows["class"]]

    def clusters(self, name: Part) -> list[int]:
        """Return the cluster of every tile of one part, numbered from 0 without gaps."""
        numbers, _ = pd.factorize(self.table.loc[self.table["part"] == name, "cluster"])
        return [int(number) for number in numbers]

    def groups(self, name: Part) -> list[str]:
        """Return the sorted groups of one part."""
        return sorted(self.table.loc[self.table["part"] == name, "group"].unique())

    def counts(self) -> pd.DataFrame:
        """Return groups and tiles, a row per class and part."""
        grouped = self.table.groupby(["class", "part"])
        return grouped.agg(groups=("group", "nunique"), tiles=("file", "size")).reset_index()


def read_tile_index(
    folder: Path, *, seed: int = 0, validation: float = 0.1, test: float = 0.15
) -> TileIndex:
    """Read a tile folder and split it by linked group.

    Parameters
    ----------
    folder : Path
        Holds ``index.csv`` and a folder per class.
    seed : int
        Decides which groups are held out; the same seed gives the same split.  Without
        effect on an index that brings its own.
    validation, test : float
        Shares of the groups of every class.

    Raises
    ------
    TableError
        When the index, a column, a file or a second class is missing, or a group of linked
        tiles has more than one part.
    """
    root = Path(folder)
    table = read_strings(root / "index.csv", COLUMNS)
    missing = [
        f"{c}/{f}"
        for c, f in zip(table["class"], table["file"], strict=True)
        if not (root / c / f).is_file()
    ]
    if missing:
        msg = (
            f"{len(missing)} of {len(table)} tiles named in {root / 'index.csv'} are not there "
            f"(first: {missing[0]}). Paths are <class>/<file> below the folder."
        )
        raise TableError(msg)
    # A tile listed twice could lie in training and in test.
    duplicates = table[table.duplicated(["class", "file"])]
    if len(duplicates):
        first = duplicates.iloc[0]
        msg = f"{len(duplicates)} tiles are listed twice (first: {first['class']}/{first['file']})."
        raise TableError(msg)
    classes = tuple(sorted(table["class"].unique()))
    if len(classes) < 2:
        msg = f"Training needs at least two classes; {root / 'index.csv'} has {list(classes)}."
        raise TableError(msg)
    links = root / "linked_groups.csv"
    pairs = read_strings(links, ("group_a", "group_b")) if links.exists() else None
    table = table.assign(cluster=table["group"].map(_clusters(table["group"].unique(), pairs)))
    if "part" in table.columns:
        _check_parts(table, root / "index.csv")
    else:
        parts = assign_parts(table, pairs, seed=seed, validation=validation, test=test)
        table = table.assign(part=table["group"].map(parts))
    return TileIndex(root, table, classes)


def assign_parts(
    table: pd.DataFrame,
    links: pd.DataFrame | None,
    *,
    seed: int,
    validation: float,
    test: float,
) -> dict[str, Part]:
    """Map every group to a part, keeping linked groups together and classes in proportion."""
    cluster = _clusters(table["group"].unique(), links)
    # A cluster that spans classes is filed under its first one; it still moves as a whole.
    owner = table.groupby(table["group"].map(cluster))["class"].min()
    rng = np.random.default_rng(seed)
    part_of: dict[str, Part] = {}
    for name in sorted(owner.unique()):
        # Sorted before they are shuffled: the split depends on the seed alone.
        members = sorted(owner.index[owner == name])
        needed = sum(share > 0 for share in (validation, test)) + 1
        if len(members) < needed:
            msg = (
                f"Class {name!r} has {len(members)} independent group(s), and {needed} parts need "
                "one each. Add groups, or set the validation or test share to 0."
            )
            raise TableError(msg)
        order = [members[i] for i in rng.permutation(len(members))]
        n_validation = max(1, round(validation * len(order))) if validation else 0
        n_test = max(1, round(test * len(order))) if test else 0
        for position, key in enumerate(order):
            held = "validation" if position < n_validation + n_test else "train"
            part_of[key] = "test" if position < n_test else held  # type: ignore[assignment]
    return {group: part_of[key] for group, key in cluster.items()}


def _check_parts(table: pd.DataFrame, path: Path) -> None:
    unknown = sorted(set(table["part"]) - set(PARTS))
    if unknown:
        msg = f"{path} has the parts {unknown}, and the known ones are {', '.join(PARTS)}."
        raise TableError(msg)
    torn = table.groupby("cluster")["part"].nunique()
    if (torn > 1).any():
        first = torn.index[torn > 1][0]
        msg = (
            f"{int((torn > 1).sum())} groups of linked tiles in {path} have more than one part "
            f"(first: {first}). Tiles of one group are not independent: give each group one part."
        )
        raise TableError(msg)
    missing = [
        f"{name} in {part}"
        for part in PARTS
        for name in sorted(set(table["class"]) - set(table.loc[table["part"] == part, "class"]))
    ]
    if missing:
        msg = (
            f"{path} has no tile of class {', of class '.join(missing)}. Each part needs every "
            "class."
        )
        raise TableError(msg)


def _clusters(groups: np.ndarray, links: pd.DataFrame | None) -> dict[str, str]:
    """Map every group to the smallest name among the groups it is linked to, directly or not."""
    parent = {str(group): str(group) for group in groups}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    pairs = [] if links is None else zip(links["group_a"], links["group_b"], strict=True)
    for a, b in pairs:
        # Links may name groups that this folder does not hold; they bind nothing here.
        # The smaller name is the root, so that the order of links does not matter.
        if a in parent and b in parent:
            low, high = sorted((root(a), root(b)))
            parent[high] = low
    return {name: root(name) for name in parent}


def read_strings(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read a table with every cell a string, so that ids such as 0012 and NA survive."""
    frame: pd.DataFrame = read_cells(TableFile(path=path), columns).to_pandas()
    return frame.astype(object)
