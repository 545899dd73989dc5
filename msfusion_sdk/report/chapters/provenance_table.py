"""What was run on what, with which model and versions, and when."""

from msfusion_sdk.cohort.cohort import Cohort
from msfusion_sdk.report.chapters.slide_facts import Encoding
from msfusion_sdk.report.html.page_table import NONE, PageTable, page_table

__all__ = ["provenance_table", "summary_of"]


def provenance_table(cohort: Cohort, encoding: Encoding | None, command: str) -> PageTable:
    """Return name and value of everything that is needed to repeat the run."""
    rows = [*_tables(cohort), *([] if encoding is None else _encoding(encoding))]
    return page_table("What was run on what", ("what", "value"), rows, command=command)


def summary_of(encoding: Encoding | None) -> str:
    """Return what has encoded the slides and when, in a line."""
    if encoding is None:
        return "No slide has been encoded yet."
    name, last = encoding.model.get("name", "an unknown model"), _minute(encoding.last)
    if not encoding.runtimes:
        return f"Features of {name}, made elsewhere (fingerprint {encoding.fingerprint[:12]})."
    sdk = "/".join(sorted(encoding.versions.get("msfusion_sdk", set())))
    by = f", msfusion_sdk {sdk}" if sdk else ""
    return f"Encoded by {name} (fingerprint {encoding.fingerprint[:12]}){by}, last on {last} UTC."


def _tables(cohort: Cohort) -> list[tuple[str, str]]:
    report = cohort.report()
    having = [f"{name} ({count:,} patients)" for name, count in report.modalities.items()]
    outcomes = [f"{name} ({count:,} patients)" for name, count in report.outcomes.items()]
    return [
        ("cohort", f"{report.n_patients:,} patients, {report.n_slides:,} slides"),
        ("modalities", ", ".join(having) or "none"),
        ("outcomes", ", ".join(outcomes) or "none"),
        ("cohort made with", f"msfusion_sdk {cohort.manifest.sdk_version}"),
    ]


def _encoding(encoding: Encoding) -> list[tuple[str, str]]:
    return [
        ("slide model", str(encoding.model.get("name", NONE))),
        ("fingerprint", encoding.fingerprint),
        ("weights, SHA-256", str(encoding.model.get("weights_sha256") or NONE)),
        ("settings", _settings(encoding)),
        *(_run(encoding) if encoding.runtimes else []),
    ]


def _run(encoding: Encoding) -> list[tuple[str, str]]:
    runtimes = [f"{name} ({count:,} slides)" for name, count in encoding.runtimes.most_common()]
    versions = [f"{name} {'/'.join(sorted(known))}" for name, known in encoding.versions.items()]
    return [
        ("encoded", f"{_minute(encoding.first)} to {_minute(encoding.last)} UTC"),
        ("encoded on", ", ".join(runtimes)),
        ("encoded with", ", ".join(versions) or NONE),
    ]


def _settings(encoding: Encoding) -> str:
    patches = encoding.config.get("patches")
    # Imported features have no settings of patches.
    if patches is None:
        return ", ".join(f"{name}: {value}" for name, value in encoding.config.items()) or NONE
    size = patches["patch_size_px"]
    um = size * patches["target_mpp"]
    return f"patches of {size} px at {patches['target_mpp']} µm/px ({um:g} µm)" + (
        f", kept by {patches['keep_rule']}"
    )


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ") or NONE
