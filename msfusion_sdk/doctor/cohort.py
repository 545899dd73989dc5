"""Look at a whole cohort: every seal, ids, what is left over, disk and versions; and repair it.

Repairing removes nothing that anybody could want: what is damaged is set aside under another
name, and what is to be done about it is said.
"""

import shlex
from pathlib import Path

from msfusion_sdk.cohort.folder.manifest import read_manifest
from msfusion_sdk.cohort.store.status import models_of
from msfusion_sdk.doctor.cohort_leftovers import check_leftovers
from msfusion_sdk.doctor.cohort_results import check_results
from msfusion_sdk.doctor.cohort_tables import check_tables
from msfusion_sdk.doctor.finding import LEVELS, Finding, Report
from msfusion_sdk.doctor.folders import check_folder
from msfusion_sdk.errors import StoreError

__all__ = ["examine_cohort"]


def examine_cohort(folder: str | Path, *, repair: bool = False) -> Report:
    """Return what was found in the folder of a cohort, gravest first.

    Parameters
    ----------
    folder : path
        Of the cohort.  Every file in it is read.
    repair : bool
        Whether what is damaged is set aside and noted, and what killed processes left is
        removed.  Not while the cohort is being encoded.
    """
    root = Path(folder)
    try:
        manifest = read_manifest(root)
    except StoreError as error:
        return Report(findings=(Finding(check="cohort", level="problem", found=str(error)),))
    told = f"{root}: schema version {manifest.schema_version}, by {manifest.sdk_version}"
    findings = [Finding(check="cohort", level="ok", found=told)]
    of_tables, slide_ids = check_tables(root, manifest)
    findings += of_tables
    command = f"msfusion cohort encode {shlex.quote(str(root))}"
    if slide_ids is not None:
        try:
            for fingerprint in models_of(root):
                findings += check_results(root, fingerprint, slide_ids, command, repair=repair)
        except StoreError as error:
            findings.append(Finding(check="results", level="problem", found=str(error)))
    findings += check_leftovers(root, repair=repair)
    findings += check_folder(root.absolute())
    return Report(findings=tuple(sorted(findings, key=lambda f: LEVELS.index(f.level))))
