"""What a change of a cohort has done, in numbers."""

from collections.abc import Mapping

from pydantic import Field

from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.tables.issues import CohortReport

__all__ = ["CohortChange"]


class CohortChange(FrozenConfig):
    """What a change of a cohort has done."""

    added: int = 0
    """Rows of patients or slides."""
    already_there: int = 0
    """Rows that repeat one of the cohort in every cell, and were left out."""
    changed: int = 0
    """Slides with another path, spacing or patient."""
    removed: int = 0
    """Slides, with their results."""
    removed_patients: int = 0
    kept_results: tuple[str, ...] = ()
    """Slides that moved and are seen to be the same: their results stay."""
    to_encode: Mapping[str, str] = Field(default_factory=dict)
    """By slide id, why its results cannot be taken over: it is encoded again."""
    missing: tuple[str, ...] = ()
    """Slides whose file is not there."""
    stayed: tuple[str, ...] = ()
    """Slides that are not at the new place but still at the old one, and were left there."""
    report: CohortReport
    """What the cohort holds now."""

    def __str__(self) -> str:
        counts = {
            "added": self.added,
            "there already": self.already_there,
            "changed": self.changed,
            "slides removed": self.removed,
            "patients removed": self.removed_patients,
            "moved, results kept": len(self.kept_results),
            "to be encoded again": len(self.to_encode),
            "with no file": len(self.missing),
            "left at their old place, where their files are": len(self.stayed),
        }
        first = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        reasons = [f"- {name}: {why}" for name, why in list(self.to_encode.items())[:5]]
        reasons += [f"- {name}: there is no such file" for name in self.missing[:5]]
        more = max(0, len(self.to_encode) - 5) + max(0, len(self.missing) - 5)
        reasons += [f"- and {more} more"] if more else []
        return "\n".join([first or "nothing changed", *reasons])
