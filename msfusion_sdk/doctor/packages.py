"""Python, the packages, the extras and the OpenSlide library, against what our metadata asks for.

Imports nothing that may be missing or broken.
"""

import platform
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from msfusion_sdk.doctor.finding import Finding

__all__ = ["check_extras", "check_openslide", "check_packages", "check_python"]

US, READER = "msfusion-sdk", "openslide-bin"
FOR_DEVELOPERS = ("test",)
# By the number of the advisory; what is older than the first is refused in any case.
KNOWN_BAD = {
    "<4.0.1.1": "a crafted BIF file can write to memory (CVE-2026-48977)",
    ">=4.0.0.10,<4.0.0.12": "the lowest stored tiles of some TIFFs hold random pixels "
    "(CVE-2026-54604)",
}
OLDEST_LIBRARY = SpecifierSet(">=4.0.1")


def check_python() -> Finding:
    """Compare this Python with the one that we need."""
    found, wanted = platform.python_version(), metadata(US)["Requires-Python"]
    if SpecifierSet(wanted).contains(found, prereleases=True):
        return Finding(check="python", level="ok", found=found)
    return Finding(
        check="python",
        level="problem",
        found=f"Python {found}; {US} needs {wanted}.",
        remedy=f"Make an environment with Python {wanted} and install {US} there.",
    )


def check_packages() -> list[Finding]:
    """Return a problem for every package that is missing or too old, and the versions found."""
    wanted = [r for r in _requirements("") if r.name != READER]
    found = {US: version(US)} | {r.name: v for r in wanted if (v := _version(r.name))}
    versions = ", ".join(f"{name} {number}" for name, number in sorted(found.items()))
    unmet = [
        Finding(
            check="packages",
            level="problem",
            found=f"{reason}; {US} needs {requirement}.",
            remedy=f'pip install "{requirement}"',
        )
        for requirement in wanted
        if (reason := _unmet(requirement))
    ]
    return [*unmet, Finding(check="packages", level="ok", found=versions)]


def check_openslide() -> Finding:
    """Look at the OpenSlide library: which one is loaded, and what is known of its version."""
    wanted = next(r for r in _requirements("") if r.name == READER)
    installed = _version(READER)
    faults = [f"{reason}; {US} needs {wanted}"] if (reason := _unmet(wanted)) else []
    faults += [
        fault
        for versions, fault in KNOWN_BAD.items()
        if installed and SpecifierSet(versions).contains(installed)
    ]
    loaded, error = _loaded_openslide()
    if error:
        faults.append(f"it cannot be loaded ({error})")
    elif not OLDEST_LIBRARY.contains(loaded):
        faults.append(f"the library that is loaded is OpenSlide {loaded}, older than 4.0.1")
    found = f"OpenSlide {loaded or 'not loaded'} of {READER} {installed or '(not installed)'}"
    if not faults:
        return Finding(check="openslide", level="ok", found=found)
    return Finding(
        check="openslide",
        level="problem",
        found=f"{found}: {'; '.join(faults)}.",
        remedy=f'pip install "{wanted}"',
    )


def check_extras() -> list[Finding]:
    """Return a note for every extra whose packages are not all there, with the command."""
    findings = []
    for extra in metadata(US).get_all("Provides-Extra") or []:
        if extra in FOR_DEVELOPERS:
            continue
        unmet = [reason for r in _requirements(extra) if (reason := _unmet(r))]
        findings.append(
            Finding(
                check=f"extra {extra}",
                level="note" if unmet else "ok",
                found=", ".join(unmet) or "installed",
                remedy=f'If you want it: pip install "{US}[{extra}]"' if unmet else "",
            )
        )
    return findings


def _requirements(extra: str) -> list[Requirement]:
    """Return what an extra adds, or for an empty name what is always needed."""
    every = [Requirement(text) for text in requires(US) or []]
    always = [r for r in every if r.marker is None or r.marker.evaluate({"extra": ""})]
    if not extra:
        return always
    return [
        r for r in every if r.marker and r not in always and r.marker.evaluate({"extra": extra})
    ]


def _unmet(requirement: Requirement) -> str:
    found = _version(requirement.name)
    if found is None:
        return f"{requirement.name} is not installed"
    if requirement.specifier.contains(found, prereleases=True):
        return ""
    return f"{requirement.name} {found} is installed"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _loaded_openslide() -> tuple[str, str]:
    """Return the version of the library, or why there is none."""
    try:
        import openslide
    except (ImportError, OSError) as error:
        return "", str(error).strip().splitlines()[0]
    return str(openslide.__library_version__), ""
