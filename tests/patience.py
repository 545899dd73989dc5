"""How long a test waits for what may hang: limits catch hangs, they measure nothing.

``MSFUSION_TEST_PATIENCE`` multiplies every limit: 3 suits a machine with three times more to do
than it has cores.
"""

import os

TEST_S = 600.0
"""Limit of one test with its fixtures; ``timeout`` in ``pyproject.toml`` says the same."""

_TIMES = float(os.environ.get("MSFUSION_TEST_PATIENCE", "1"))


def patient(seconds: float) -> float:
    """Return a limit of so many seconds on a machine that has nothing else to do."""
    return seconds * _TIMES
