"""What is wrong or remarkable in the tables of a cohort, collected and said all at once.

Whoever corrects a table wants to do it once: a check returns findings and never raises, and
``refuse_errors`` raises one error that lists them all.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.errors import (
    DegenerateSplitError,
    DuplicateIdError,
    IdMismatchError,
    IdTypeError,
    MissingModalityError,
    NonFiniteError,
    SurvivalLabelError,
    TableError,
)

__all__ = ["CohortReport", "Finding", "first", "found", "refuse_errors", "remark"]

FindingCode = Literal[
    "DuplicateId",
    "IdMismatch",
    "IdType",
    "SurvivalLabel",
    "DegenerateSplit",
    "MissingModality",
    "NonFinite",
    "Table",
]

# The worst first: it decides the class of the one error.
CLASSES: dict[FindingCode, type[TableError]] = {
    "DuplicateId": DuplicateIdError,
    "IdMismatch": IdMismatchError,
    "IdType": IdTypeError,
    "SurvivalLabel": SurvivalLabelError,
    "DegenerateSplit": DegenerateSplitError,
    "MissingModality": MissingModalityError,
    "NonFinite": NonFiniteError,
    "Table": TableError,
}


class Finding(FrozenConfig):
    """One thing that a check has found."""

    code: FindingCode
    is_error: bool
    """False for a remark: the cohort can be used as it is."""
    message: str
    """What was found and what to do, with the first examples."""
    count: int
    """Rows, ids or files that it concerns."""


class CohortReport(FrozenConfig):
    """What a cohort holds, and what was found when its tables were checked."""

    n_patients: int
    n_slides: int
    modalities: Mapping[str, int]
    """Patients by modality."""
    outcomes: Mapping[str, int]
    """Patients with an outcome, by the name of the outcome."""
    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        lines = [f"{self.n_patients} patients, {self.n_slides} slides"]
        lines += [f"modality {name}: {n} patients" for name, n in self.modalities.items()]
        lines += [f"outcome {name}: {n} patients" for name, n in self.outcomes.items()]
        return "\n".join([*lines, *(f"- {finding.message}" for finding in self.findings)])


def found(code: FindingCode, count: int, message: str, *, is_error: bool = True) -> list[Finding]:
    """Return one finding in a list, or an empty list when ``count`` is 0."""
    if not count:
        return []
    return [Finding(code=code, is_error=is_error, message=message, count=count)]


def remark(code: FindingCode, count: int, message: str) -> list[Finding]:
    """Return a finding that is no error, in a list; empty when ``count`` is 0."""
    return found(code, count, message, is_error=False)


def refuse_errors(findings: Iterable[Finding]) -> None:
    """Raise one error that lists every finding that is an error.

    Raises
    ------
    TableError
        Of the class of the worst one, duplicates before mismatches before the rest.
    """
    errors = [finding for finding in findings if finding.is_error]
    if not errors:
        return
    codes = {finding.code for finding in errors}
    kind = next(CLASSES[code] for code in CLASSES if code in codes)
    if len(errors) == 1:
        raise kind(errors[0].message)
    listed = "\n".join(f"  {n}. {finding.message}" for n, finding in enumerate(errors, 1))
    msg = f"{len(errors)} problems in the tables:\n{listed}"
    raise kind(msg)


def first(values: Iterable[object], n: int = 3) -> str:
    """Return the first ``n`` values as they would be typed, for a message."""
    listed = list(values)
    return ", ".join(map(repr, listed[:n])) + (", …" if len(listed) > n else "")
