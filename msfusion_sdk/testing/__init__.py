"""Make slides to test with: shipped for the demo, for plugin authors and for our own tests."""

from msfusion_sdk.testing.damage import damage_stored_tile
from msfusion_sdk.testing.synthetic import Tissue, make_slide

__all__ = ["Tissue", "damage_stored_tile", "make_slide"]
