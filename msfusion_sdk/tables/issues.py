"""What is wrong or remarkable in the tables of a cohort, collected and reported all at once.

Whoever corrects a table wants to do it once: a check returns issues and never raises, and
``require_no_errors`` raises one error that lists them all.
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
    MsfusionWarning,
    NonFiniteError,
    SurvivalLabelError,
    TableError,
)

__all__ = ["CohortReport", "Issue", "issue", "TableWarning", "require_no_errors", "note"]

IssueCode = Literal[
    "DuplicateId",
    "IdMismatch",
    "IdType",
    "SurvivalLabel",
    "DegenerateSplit",
    "MissingModality",
    "NonFinite",
    "Table",
]


class TableWarning(MsfusionWarning, UserWarning):
    """Cells or columns that can be used and more often are a mistake."""


# The worst first: it decides the class of the one error.
CLASSES: dict[IssueCode, type[TableError]] = {
    "DuplicateId": DuplicateIdError,
    "IdMismatch": IdMismatchError,
    "IdType": IdTypeError,
    "SurvivalLabel": SurvivalLabelError,
    "DegenerateSplit": DegenerateSplitError,
    "MissingModality": MissingModalityError,
    "NonFinite": NonFiniteError,
    "Table": TableError,
}


class Issue(FrozenConfig):
    """One thing that a check has found."""

    code: IssueCode
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
    findings: tuple[Issue, ...]

    def __str__(self) -> str:
        lines = [f"{self.n_patients} patients, {self.n_slides} slides"]
        lines += [f"modality {name}: {n} patients" for name, n in self.modalities.items()]
        lines += [f"outcome {name}: {n} patients" for name, n in self.outcomes.items()]
        return "\n".join([*lines, *(f"- {each.message}" for each in self.findings)])


def issue(code: IssueCode, count: int, message: str, *, is_error: bool = True) -> list[Issue]:
    """Return one issue in a list, or an empty list when ``count`` is 0."""
    if not count:
        return []
    return [Issue(code=code, is_error=is_error, message=message, count=count)]


def note(code: IssueCode, count: int, message: str) -> list[Issue]:
    """Return an issue that is no error, in a list; empty when ``count`` is 0."""
    return issue(code, count, message, is_error=False)


def require_no_errors(issues: Iterable[Issue]) -> None:
    """Raise one error that lists every issue that is an error.

    Raises
    ------
    TableError
        Of the class of the worst one, duplicates before mismatches before the rest.
    """
    errors = [each for each in issues if each.is_error]
    if not errors:
        return
    codes = {each.code for each in errors}
    kind = next(CLASSES[code] for code in CLASSES if code in codes)
    if len(errors) == 1:
        raise kind(errors[0].message)
    listed = "\n".join(f"  {n}. {each.message}" for n, each in enumerate(errors, 1))
    msg = f"{len(errors)} problems in the tables:\n{listed}"
    raise kind(msg)
