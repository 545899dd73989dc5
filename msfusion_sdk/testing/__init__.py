"""Slides and cohorts to test with, the contract of adapters: for demo, plugins and our tests."""

from typing import TYPE_CHECKING

from msfusion_sdk.testing.damage import damage_stored_tile
from msfusion_sdk.testing.made_cohort import MadeCohort, make_cohort
from msfusion_sdk.testing.synthetic import Tissue, make_slide

if TYPE_CHECKING:
    from msfusion_sdk.testing.adapter_contract import AdapterContract
    from msfusion_sdk.testing.network_contract import NetworkContract

__all__ = [
    "AdapterContract",
    "MadeCohort",
    "NetworkContract",
    "Tissue",
    "damage_stored_tile",
    "make_cohort",
    "make_slide",
]


def __getattr__(name: str) -> object:
    # The contracts need pytest, which those who make a slide may not have.
    if name == "AdapterContract":
        from msfusion_sdk.testing.adapter_contract import AdapterContract

        return AdapterContract
    if name == "NetworkContract":
        from msfusion_sdk.testing.network_contract import NetworkContract

        return NetworkContract
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
