"""The slide id of a path is its whole name without the suffix of a slide format."""

import os

import pytest

from msfusion_sdk.slides.files.names import result_name, slide_id_of

SERIES = "1.2.826.0.1.3680043.8.498.100001"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/S1.svs", "S1"),
        ("a/S1.v2.SVS", "S1.v2"),
        ("a/S1.ome.tif", "S1.ome"),
        (f"a/{SERIES}.1", f"{SERIES}.1"),
        (f"a/{SERIES}.2/", f"{SERIES}.2"),
        ("a/Dr. Who", "Dr. Who"),
        ("a/.svs", ".svs"),
        ("a/cost_$5_and_$x^2_{.tif", "cost_$5_and_$x^2_{"),
        (b"a/caf\xe9.tif", "caf%E9"),
        ("größe µ.ndpi", "größe µ"),
    ],
)
def test_a_path_has_its_slide_id(path: str | bytes, expected: str) -> None:
    found = slide_id_of(os.fsdecode(path))
    assert found == expected
    found.encode()


def test_folders_named_by_uids_do_not_collide() -> None:
    paths = [f"{SERIES}.{n}" for n in range(30)]
    assert len({slide_id_of(path) for path in paths}) == 30


@pytest.mark.parametrize("name", ["a" * 251, "ü" * 125, "日" * 83])
def test_long_names_leave_room_for_a_suffix_and_stay_apart(name: str) -> None:
    one, other = result_name(name), result_name(name[:-1] + "b")
    assert one != other
    assert len(os.fsencode(one)) < 180
