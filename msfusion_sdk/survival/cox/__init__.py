"""Cox regression and its losses: pure functions."""

from msfusion_sdk._moved import forward

__getattr__ = forward(__name__, "msfusion_sdk.survival")
