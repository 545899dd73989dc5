"""What several commands of a cohort print."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from msfusion_sdk.cli.shared.console import out

if TYPE_CHECKING:
    from msfusion_sdk.cohort.cohort import Cohort
    from msfusion_sdk.cohort.store.ledger import SlideStatus

__all__ = ["print_report", "print_counts", "print_failures"]

EXAMPLES = 5
"""Failures printed for each code; ``--json`` has all of them."""


def print_report(cohort: "Cohort") -> None:
    """Print what a cohort holds, and what is remarkable in it."""
    out.print(str(cohort.report()), markup=False, soft_wrap=True)


def print_counts(counts: Mapping[str, int]) -> None:
    """Print how many slides have each status."""
    table = Table("slides", "status", box=None, pad_edge=False)
    for name, count in counts.items():
        table.add_row(str(count), name)
    out.print(table)


def print_failures(failures: "Sequence[SlideStatus]") -> None:
    """Print what failed by code, a few examples each."""
    by_code: dict[str, list[SlideStatus]] = defaultdict(list)
    for status in failures:
        by_code[status.code].append(status)
    for code, statuses in sorted(by_code.items()):
        for status in statuses[:EXAMPLES]:
            out.print(f"{status.slide_id}: [{code}] {status.reason}", markup=False, soft_wrap=True)
        if len(statuses) > EXAMPLES:
            out.print(f"and {len(statuses) - EXAMPLES} more with {code}")
