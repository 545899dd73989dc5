from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from msfusion_sdk.errors import TableError
from msfusion_sdk.pretraining.index import assign_parts, read_tile_index


def made(groups: dict[str, str]) -> pd.DataFrame:
    rows = [(kind, f"{name}.png", name) for name, kind in groups.items()]
    return pd.DataFrame(rows, columns=["class", "file", "group"])


def test_no_group_is_in_two_parts(tile_folder: Path) -> None:
    table = read_tile_index(tile_folder).table
    assert (table.groupby("group")["part"].nunique() == 1).all()


def test_chains_of_linked_groups_stay_on_one_side() -> None:
    table = made({f"g{i:02d}": "a" for i in range(40)} | {f"h{i:02d}": "b" for i in range(40)})
    chain = [f"g{i:02d}" for i in range(12)]
    links = pd.DataFrame({"group_a": chain[:-1], "group_b": chain[1:]})
    for seed in range(20):
        parts = assign_parts(table, links, seed=seed, validation=0.2, test=0.2)
        assert len({parts[name] for name in chain}) == 1


def test_links_reach_across_classes() -> None:
    table = made({f"g{i:02d}": "a" for i in range(20)} | {f"h{i:02d}": "b" for i in range(20)})
    links = pd.DataFrame({"group_a": ["g05"], "group_b": ["h07"]})
    for seed in range(20):
        parts = assign_parts(table, links, seed=seed, validation=0.3, test=0.3)
        assert parts["g05"] == parts["h07"]


def test_every_class_is_in_every_part(tile_folder: Path) -> None:
    counts = read_tile_index(tile_folder).counts()
    assert len(counts) == 2 * 3
    assert counts["tiles"].sum() == 60


def test_the_seed_decides_the_split(tile_folder: Path) -> None:
    first, again, other = (read_tile_index(tile_folder, seed=s).table["part"] for s in (0, 0, 1))
    assert first.equals(again)
    assert not first.equals(other)


def test_ids_that_look_like_numbers_survive(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    rows = []
    for kind in ("a", "b"):
        for group in ("0012", "NA", "1e5", "12"):
            (tmp_path / kind / f"{group}.png").touch()
            rows.append((kind, f"{group}.png", f"{kind}{group}"))
    pd.DataFrame(rows, columns=["class", "file", "group"]).to_csv(
        tmp_path / "index.csv", index=False
    )
    assert {"a0012", "aNA", "a1e5", "a12"} <= set(read_tile_index(tmp_path).table["group"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "There is no file"),
        ("class,file\na,x.png\n", "no column 'group'"),
        ("class,file,group\na,x.png,g\n", "1 of 1 tiles named in"),
    ],
)
def test_a_bad_index_says_what_is_wrong(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "index.csv").write_text(text)
    with pytest.raises(TableError, match=message):
        read_tile_index(tmp_path)


def test_one_class_cannot_be_trained_on(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.png").touch()
    (tmp_path / "index.csv").write_text("class,file,group\na,x.png,g\n")
    with pytest.raises(TableError, match="at least two classes"):
        read_tile_index(tmp_path)


def test_a_tile_listed_twice_is_refused(tmp_path: Path) -> None:
    for kind in ("a", "b"):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "x.png").touch()
    (tmp_path / "index.csv").write_text("class,file,group\na,x.png,g\na,x.png,h\nb,x.png,k\n")
    with pytest.raises(TableError, match="listed twice"):
        read_tile_index(tmp_path)


def test_too_few_independent_groups_are_refused() -> None:
    table = made({"g0": "a", "g1": "a", "h0": "b", "h1": "b"})
    with pytest.raises(TableError, match="2 independent group"):
        assign_parts(table, None, seed=0, validation=0.1, test=0.1)


def test_the_lung_tiles_are_split_by_linked_group(shared: Path) -> None:
    folder = shared / "data" / "tiles" / "lc25000"
    index = read_tile_index(folder)
    part = dict(zip(index.table["group"], index.table["part"], strict=True))
    links = pd.read_csv(folder / "linked_groups.csv")
    both = [
        (a, b)
        for a, b in zip(links["group_a"], links["group_b"], strict=True)
        if a in part and b in part
    ]
    assert len(both) > 5
    assert all(part[a] == part[b] for a, b in both)


def with_parts(folder: Path, root: Path, part_of: Callable[[str], str]) -> Path:
    """Copy the index of a tile folder with a column ``part``, given by group."""
    table = pd.read_csv(folder / "index.csv", dtype=str)
    table["part"] = table["group"].map(part_of)
    for name in ("dots", "stripes"):
        (root / name).symlink_to(folder / name)
    table.to_csv(root / "index.csv", index=False)
    return root


def test_an_index_may_bring_its_own_split(tile_folder: Path, tmp_path: Path) -> None:
    parts = {"0": "test", "1": "validation"}
    folder = with_parts(tile_folder, tmp_path, lambda group: parts.get(group[-1], "train"))
    index = read_tile_index(folder, seed=5)
    assert index.groups("test") == ["dots-00", "stripes-00"]
    assert index.groups("validation") == ["dots-01", "stripes-01"]


def test_a_part_that_is_unknown_or_lacks_a_class_is_refused(
    tile_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    wrong = with_parts(tile_folder, tmp_path / "a", lambda group: "holdout")
    with pytest.raises(TableError, match="holdout"):
        read_tile_index(wrong)
    short = with_parts(
        tile_folder, tmp_path / "b", lambda group: "test" if group == "dots-00" else "train"
    )
    with pytest.raises(TableError, match="stripes in test"):
        read_tile_index(short)


def test_a_group_on_two_sides_is_refused(tile_folder: Path, tmp_path: Path) -> None:
    folder = with_parts(tile_folder, tmp_path, lambda group: "train")
    table = pd.read_csv(folder / "index.csv", dtype=str)
    table.loc[0, "part"] = "test"
    table.to_csv(folder / "index.csv", index=False)
    with pytest.raises(TableError, match="more than one part"):
        read_tile_index(folder)
