"""The outcomes of a cohort: declared on columns of its patient table, read and forgotten."""

import warnings
from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from msfusion_sdk.cohort.contents_of import CohortContents
from msfusion_sdk.cohort.folder.manifest import write_manifest
from msfusion_sdk.cohort.intake.contents import summarise_outcomes
from msfusion_sdk.cohort.intake.creation import labels_of
from msfusion_sdk.errors import MsfusionWarning, TableError
from msfusion_sdk.outcomes.declaration import TimeUnit, declared
from msfusion_sdk.outcomes.outcome import Kind
from msfusion_sdk.outcomes.words import with_event_values
from msfusion_sdk.tables.issues import require_no_errors

__all__ = ["CohortOutcomes", "OutcomeWarning"]


class OutcomeWarning(MsfusionWarning, UserWarning):
    """Labels that can be true and more often are a mistake."""


class CohortOutcomes(CohortContents):
    """What is predicted of a cohort's patients; ``Cohort`` has them."""

    def declare_outcome(
        self,
        name: str,
        *,
        time: str | None = None,
        event: str | None = None,
        censored: str | None = None,
        unit: TimeUnit | None = None,
        event_values: Mapping[object, bool] | Collection[object] | None = None,
        no_event_values: Collection[object] | None = None,
        column: str | None = None,
        kind: Kind | None = None,
    ) -> None:
        """Say which columns of the patient table hold an outcome.

        Parameters
        ----------
        name : str
            What ``outcome`` is asked for; one of that name is replaced.
        time : str, optional
            For survival: the column of times.
        event, censored : str, optional
            For survival: the column that is true where the event was seen, or where it was not.
        unit : 'days', 'weeks', 'months' or 'years', optional
            Of times, unless the name of their column ends in it.
        event_values : mapping or collection, optional
            What each value of that column means, ``{"Dead": True, "Alive": False}``, unless it
            holds true and false or 1 and 0; or the values that mean an event, where one other is
            left or ``no_event_values`` names the others.
        no_event_values : collection, optional
            The values that mean that no event was seen.
        column : str, optional
            For classes and numbers: their column.
        kind : 'survival', 'class' or 'number', optional
            By default survival with ``time``, classes with ``column``.

        Raises
        ------
        TableError
            ``SurvivalLabelError`` when the labels cannot be true, ``DegenerateSplitError`` when
            they tell no two patients apart.
        """
        given = {
            "time": time,
            "event": event,
            "censored": censored,
            "unit": unit,
            "event_values": event_values,
            "no_event_values": no_event_values,
            "column": column,
            "kind": kind,
        }
        settings = with_event_values(given, self.patients)
        outcome = declared(name, self.patients.column_names, **settings)
        require_no_errors(labels_of(self.patients, outcome)[1])
        outcomes = {**self.manifest.outcomes, name: outcome}
        self.manifest = self.manifest.model_copy(update={"outcomes": outcomes})
        write_manifest(self.root, self.manifest)

    def drop_outcome(self, name: str) -> None:
        """Forget an outcome; the columns of the patient table stay.

        Raises
        ------
        TableError
            When there is no such outcome.
        """
        if name not in self.manifest.outcomes:
            known = ", ".join(self.manifest.outcomes) or "none"
            msg = f"No outcome {name!r} is declared (known: {known})."
            raise TableError(msg)
        left = {key: value for key, value in self.manifest.outcomes.items() if key != name}
        self.manifest = self.manifest.model_copy(update={"outcomes": left})
        write_manifest(self.root, self.manifest)

    def outcome_summary(self) -> pd.DataFrame:
        """Return a row per outcome: ``name``, ``kind``, ``columns``, ``unit``, ``patients``.

        ``events`` is their number for survival, of classes the number of each, of numbers their
        range.
        """
        return summarise_outcomes(self.patients, self.manifest.outcomes)

    def outcome(self, name: str) -> "pd.DataFrame | pd.Series[Any]":
        """Return the labels of the patients who have this outcome, indexed by patient_id.

        Returns
        -------
        DataFrame or Series
            For survival ``time`` (its unit in ``attrs["unit"]``) and ``event``, True where it
            was seen; otherwise one class or number per patient.

        Raises
        ------
        TableError
            When it is not declared, or its labels cannot be used.

        Warns
        -----
        OutcomeWarning
            When the labels can be true and more often are a mistake.
        """
        outcome = self.manifest.outcomes.get(name)
        if outcome is None:
            known = ", ".join(self.manifest.outcomes) or "none"
            msg = (
                f"No outcome {name!r} is declared (known: {known}). Declare it: declare_outcome, "
                "in the shell msfusion cohort outcome add."
            )
            raise TableError(msg)
        labels, issues = labels_of(self.patients, outcome)
        require_no_errors(issues)
        for each in issues:
            # Remarks on the table itself were made when it was read, and stand in the report.
            if each.code != "Table":
                warnings.warn(each.message, OutcomeWarning, stacklevel=2)
        return labels
