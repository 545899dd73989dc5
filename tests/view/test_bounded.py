from msfusion_sdk.view.bounded import BoundedCache


def test_what_was_not_used_for_longest_leaves_first() -> None:
    left: list[str] = []
    cache = BoundedCache[int, str](2, lambda _: 1, left.append)
    cache.add(1, "one")
    cache.add(2, "two")
    assert cache.get(1) == "one"
    cache.add(3, "three")
    assert left == ["two"]


def test_the_limit_is_on_weights() -> None:
    cache = BoundedCache[int, bytes](10, len)
    for number in range(5):
        cache.add(number, b"1234")
    assert [number for number in range(5) if cache.get(number)] == [3, 4]


def test_the_first_of_two_is_kept_and_the_other_told() -> None:
    left: list[str] = []
    cache = BoundedCache[int, str](5, lambda _: 1, left.append)
    cache.add(1, "first")
    assert cache.add(1, "second") == "first"
    assert left == ["second"]


def test_clear_and_drop_tell_all() -> None:
    left: list[str] = []
    cache = BoundedCache[int, str](5, lambda _: 1, left.append)
    cache.add(1, "one")
    cache.add(2, "two")
    cache.drop(2)
    cache.drop(7)
    cache.clear()
    assert left == ["two", "one"]
