"""A child that crashes, hangs or fills the memory costs a call, and the next one is answered."""

import math
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from msfusion_sdk.errors import StoreCorruptError
from msfusion_sdk.files import read_bytes
from msfusion_sdk.storage.isolation import Child, ChildDiedError, ChildTimeoutError

pytestmark = pytest.mark.slow

SOON_S = 100
"""An answer is there long before; only a hang is not."""


@pytest.fixture
def child() -> Iterator[Child]:
    """It calls whatever it is given."""
    made = Child("operator:call", threads=4, memory_bytes=2**33)
    yield made
    made.close()


def test_it_answers_from_another_process(child: Child) -> None:
    assert child.call(math.sqrt, 16, timeout_s=SOON_S) == 4
    assert child.call(os.getpid, timeout_s=SOON_S) == child.pid != os.getpid()


def test_what_is_raised_there_is_raised_here(child: Child, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        child.call(int, "x", timeout_s=SOON_S)
    with pytest.raises(StoreCorruptError, match="is a folder"):
        child.call(read_bytes, tmp_path, timeout_s=SOON_S)


def test_a_crash_costs_a_call(child: Child) -> None:
    with pytest.raises(ChildDiedError, match="exit code -6"):
        child.call(os.abort, timeout_s=SOON_S)
    assert child.call(math.sqrt, 4, timeout_s=SOON_S) == 2


def test_a_hang_costs_a_call(child: Child) -> None:
    child.call(math.sqrt, 4, timeout_s=SOON_S)
    with pytest.raises(ChildTimeoutError, match=r"within 0\.1 s"):
        child.call(time.sleep, 6 * SOON_S, timeout_s=0.1)
    assert child.pid is None
    assert child.call(math.sqrt, 4, timeout_s=SOON_S) == 2


def test_memory_ends_in_the_child(child: Child) -> None:
    with pytest.raises(MemoryError):
        child.call(bytes, 2**34, timeout_s=SOON_S)


def test_what_a_library_prints_is_no_answer(child: Child) -> None:
    noise = b"noise\n" * 20_000
    assert child.call(os.write, 1, noise, timeout_s=SOON_S) == len(noise)


def test_many_threads_get_their_own_answers(child: Child) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(lambda n: child.call(math.sqrt, n * n, timeout_s=SOON_S), range(200))
        assert list(found) == list(range(200))


def test_it_ends_with_its_parent(child: Child) -> None:
    child.call(math.sqrt, 4, timeout_s=SOON_S)
    process = child._process  # what nobody else can see
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(SOON_S) == 0
