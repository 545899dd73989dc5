"""What a check found, and what to do about it."""

from typing import Literal

from msfusion_sdk.config import FrozenConfig

__all__ = ["LEVELS", "Finding", "Level", "Report"]

Level = Literal["problem", "warning", "note", "ok"]
LEVELS: tuple[Level, ...] = ("problem", "warning", "note", "ok")
"""Gravest first."""


class Finding(FrozenConfig):
    """One thing that was looked at."""

    check: str
    level: Level
    found: str
    remedy: str = ""
    """What to do; empty when nothing needs to be done."""


class Report(FrozenConfig):
    """All findings, gravest first."""

    findings: tuple[Finding, ...]

    @property
    def has_problem(self) -> bool:
        """Whether something does not work here."""
        return any(finding.level == "problem" for finding in self.findings)
