"""The results of one model in a cohort: every part, archive, patch part and ledger is read."""

import shlex
from collections.abc import Iterable
from pathlib import Path

from msfusion_sdk.cohort.store.archives import set_aside
from msfusion_sdk.cohort.store.compacting import repair_archives
from msfusion_sdk.cohort.store.holdings import Holdings, committed, load, part_name
from msfusion_sdk.cohort.store.ledger import Ledger, SlideStatus, read_lines, salvage_lines
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.doctor.finding import Finding, Level
from msfusion_sdk.errors import (
    StoreConflictError,
    StoreCorruptError,
    StoreSchemaError,
    StoreVersionError,
)
from msfusion_sdk.files import entries_of
from msfusion_sdk.phrases import first_few

__all__ = ["check_results"]


def check_results(
    root: Path, fingerprint: str, slide_ids: list[str], command: str, *, repair: bool
) -> list[Finding]:
    """Return what was found about the results of a model.

    Parameters
    ----------
    slide_ids : list of str
        Of the cohort.
    command : str
        What encodes it.
    repair : bool
        Whether what is damaged is set aside, and its slides are noted as failed.
    """
    return _Results(root, fingerprint, slide_ids, command, repair=repair).check()


class _Results:
    """What is being found, and done about it."""

    def __init__(
        self, root: Path, fingerprint: str, slide_ids: list[str], command: str, *, repair: bool
    ) -> None:
        self.store, self.ledger = EmbeddingStore(root, fingerprint), Ledger(root, fingerprint)
        self.name, self.slide_ids, self.command = fingerprint[:12], slide_ids, command
        self.is_repairing = repair
        self.again = f"Encode them again: {command}"
        self.repair = (
            f"Encode them again: {command}  Where slides are no longer there: msfusion doctor "
            f"--cohort {shlex.quote(str(root))} --repair leaves them out, and says so."
        )
        self.findings: list[Finding] = []

    def check(self) -> list[Finding]:
        noted = self._ledgers()
        try:
            held = load(self.store.folder, self.slide_ids)
        except StoreVersionError as error:
            self._say("problem", str(error), "Upgrade msfusion-sdk; nothing was touched.")
            return self.findings
        lost = self._lost(held, noted)
        self._parts(held, lost)
        self._patches(held)
        self._strangers()
        if not self.findings:
            counts = f"{len(held.parts)} results of {len(self.slide_ids)} slides"
            self._say("ok", f"{counts}, every byte verified")
        return self.findings

    def _ledgers(self) -> dict[str, SlideStatus]:
        """Read every line; damaged files are taken out line by line."""
        for path in self.ledger.files():
            try:
                read_lines(path)
            except StoreCorruptError as error:
                done = "The other lines were kept." if self._mends(path) else ""
                self._say(self._level, str(error), done or self.repair)
        try:
            return self.ledger.latest()
        except StoreCorruptError:
            return {}

    def _mends(self, path: Path) -> bool:
        if self.is_repairing:
            # Before the file is set aside, so that its intact lines are never out of sight.
            salvage_lines(path)
            set_aside(path, "corrupt")
        return self.is_repairing

    def _lost(self, held: Holdings, noted: dict[str, SlideStatus]) -> list[str]:
        known = held.parts.keys() | held.faults.keys()
        return [
            name
            for name in self.slide_ids
            if name in noted and noted[name].is_done and name not in known
        ]

    def _parts(self, held: Holdings, lost: list[str]) -> None:
        for name, error in held.faults.items():
            # Which of two results is right only encoding shows: neither is set aside.
            if isinstance(error, StoreConflictError):
                self._say("problem", str(error), self.again)
                continue
            self._say(self._level, str(error), self._discard(name))
        for error in held.archives.values():
            self._say(self._level, str(error), self.repair if not self.is_repairing else self.again)
        if held.archives and self.is_repairing:
            repair_archives(self.store.folder)
        if lost:
            found = f"{len(lost)} results that were committed are gone ({first_few(lost)})."
            self._say(self._level, found, self.again if self._note(lost) else self.repair)

    def _patches(self, held: Holdings) -> None:
        outdated, there = [], {path.name for path in entries_of(self.store.patch_folder)}
        for name, part in held.parts.items():
            path = self.store.patch_part(name)
            if path.name not in there:
                continue
            try:
                if self.store.patch_rows(part) is None:
                    outdated.append(name)
            except StoreVersionError as error:
                self._say("problem", str(error), "Upgrade msfusion-sdk; nothing was touched.")
            except (StoreCorruptError, StoreSchemaError) as error:
                self._say(self._level, str(error), self._set_patches_aside(path))
        if outdated:
            found = (
                f"{len(outdated)} slides have patch rows of a file that was replaced "
                f"({first_few(outdated)})."
            )
            self._say("warning", found, f"Encode them again: {self.command} --patches")

    def _strangers(self) -> None:
        """Name parts of slides that the cohort does not have: they stay, and are not used."""
        known = {part_name(name) for name in self.slide_ids}
        strange = sorted(committed(self.store.folder).keys() - known)
        if strange:
            found = (
                f"{len(strange)} results are of slides that the slide table lacks "
                f"({first_few(strange)})."
            )
            self._say("note", found, "They are not used. Remove them if nobody needs them.")

    def _discard(self, slide_id: str) -> str:
        """Set a damaged part aside when repairing; return what is to be done."""
        if not self.is_repairing:
            return self.repair
        self.store.discard(slide_id)
        self._note([slide_id])
        return f"It was set aside. {self.again}"

    def _set_patches_aside(self, path: Path) -> str:
        if not self.is_repairing:
            return f"{self.again} --patches"
        set_aside(path, "corrupt")
        return f"It was set aside. {self.again} --patches"

    def _note(self, slide_ids: Iterable[str]) -> bool:
        """Note when repairing that slides have no result; return whether that was done."""
        for name in slide_ids if self.is_repairing else ():
            reason = f"Its result was damaged or lost. Encode the slide again: {self.command}"
            self.ledger.write(
                SlideStatus(slide_id=name, status="failed", code="StoreCorrupt", reason=reason)
            )
        return self.is_repairing

    @property
    def _level(self) -> Level:
        """Of damage: once it is repaired, it is a warning of what is to be done."""
        return "warning" if self.is_repairing else "problem"

    def _say(self, level: Level, found: str, remedy: str = "") -> None:
        check = f"results of {self.name}"
        self.findings.append(Finding(check=check, level=level, found=found, remedy=remedy))
