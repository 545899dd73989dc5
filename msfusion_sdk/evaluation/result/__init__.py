"""What an evaluation gives, as tables and as text."""

from msfusion_sdk._moved import forward

__getattr__ = forward(__name__, "msfusion_sdk.evaluation")
