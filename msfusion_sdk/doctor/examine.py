"""Run every check, also where half of the installation does not load."""

from importlib import import_module
from pathlib import Path

from msfusion_sdk.doctor.finding import LEVELS, Finding, Report

__all__ = ["examine"]

# Named, not imported: a library that is missing shall be a finding, and no end of the others.
CHECKS = {
    "packages": ("check_python", "check_packages", "check_openslide", "check_extras"),
    "machine": ("check_device", "check_threads", "check_shared_memory", "check_processes"),
    "folders": ("check_temporary", "check_cache"),
    "adapters": ("check_adapters",),
    "model": ("check_model",),
}


def examine(folder: Path) -> Report:
    """Return what was found in the installation and in ``folder``, gravest first."""
    findings: list[Finding] = []
    for room, names in CHECKS.items():
        try:
            module = import_module(f"msfusion_sdk.doctor.{room}")
        except (ImportError, OSError) as error:
            found = f"A library cannot be loaded: {error}"
            remedy = "pip install --force-reinstall msfusion-sdk"
            findings.append(Finding(check=room, level="problem", found=found, remedy=remedy))
            continue
        for name in names:
            result = getattr(module, name)()
            findings.extend([result] if isinstance(result, Finding) else result)
        if room == "folders":
            findings.extend(module.check_folder(folder.absolute()))
    return Report(findings=tuple(sorted(findings, key=lambda f: LEVELS.index(f.level))))
