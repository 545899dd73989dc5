"""Servers that answer at once, and no waiting for those that do not."""

import pytest

from msfusion_sdk.remote import door

pytest.importorskip("aiohttp", reason="needs the extra [cloud]")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "WAITS_S", (0.0,) * len(door.WAITS_S))
