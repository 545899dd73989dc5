"""The modality adapters of all installed packages."""

from importlib.metadata import entry_points

from msfusion_sdk.doctor.finding import Finding
from msfusion_sdk.errors import PluginError
from msfusion_sdk.registry import GROUP, load_adapter

__all__ = ["check_adapters"]


def check_adapters() -> list[Finding]:
    """Return a problem for every adapter that cannot be loaded, and the names of the others."""
    findings, good = [], []
    # Not ``list_adapters``, which ends with the first name that is claimed twice.
    for name in sorted({entry.name for entry in entry_points(group=GROUP)}):
        try:
            load_adapter(name)
        except PluginError as error:
            remedy = "Repair or uninstall the package that is named, then: msfusion adapters"
            findings.append(
                Finding(check="adapters", level="problem", found=str(error), remedy=remedy)
            )
        else:
            good.append(name)
    return [*findings, Finding(check="adapters", level="ok", found=", ".join(good))]
