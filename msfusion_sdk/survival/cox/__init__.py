"""Cox regression and its losses: pure functions."""
