"""How far a run is, as ``progress.json`` holds it."""

from typing import Literal

from msfusion_sdk.config import FrozenConfig

__all__ = ["RunReport", "RunState"]

RunState = Literal["running", "finished", "stopped", "interrupted", "failed"]


class RunReport(FrozenConfig):
    """``progress.json``: how far a run is, for programs."""

    state: RunState
    fingerprint: str
    shard: str | None
    host: str
    pid: int
    started_at: str
    """UTC, ISO 8601."""
    updated_at: str
    total: int
    """Slides that the run was asked for."""
    done: int
    """Slides that have ended, those of earlier runs among them."""
    failed: int
    statuses: dict[str, int]
    encoded: int
    """Slides that this run has encoded."""
    patches: int
    patches_per_s: float
    slides_per_hour: float
    """Of this run; 0 until it has ended one."""
    eta_s: float | None
    """Seconds that are left at this rate; None while there is none."""
    in_hand: dict[str, tuple[int, int]]
    """By slide id, patches done and in all."""
