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
        (None, "is not there"),
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
