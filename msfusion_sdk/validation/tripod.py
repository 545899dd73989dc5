"""The items of TRIPOD+AI, and which of them an external validation answers.

Source: Collins et al., BMJ 385 (2024) e078378, in our own words; the numbers are theirs.
"""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from msfusion_sdk.validation.result import ExternalValidation

__all__ = ["Item", "tripod_items"]

YOURS = ""

ITEMS: tuple[tuple[str, str], ...] = (
    ("1", "title: that a prediction model is evaluated, in whom, for which outcome"),
    ("2", "abstract"),
    ("3", "background: context, intended use and users, known inequalities"),
    ("4", "objectives: development, evaluation, or both"),
    ("5", "data: sources, dates of inclusion and follow-up"),
    ("6", "participants: setting, eligibility, treatments"),
    ("7", "data preparation and quality checks"),
    ("8", "outcome: definition, time, how and by whom assessed"),
    ("9", "predictors: choice, definition, measurement"),
    ("10", "sample size and how it was arrived at"),
    ("11", "missing data and how they were handled"),
    ("12", "analysis: data use, model, performance measures, updating"),
    ("13", "class imbalance, if it was handled"),
    ("14", "fairness: how it was looked at"),
    ("15", "model output: what the prediction is"),
    ("16", "differences between the data of development and of evaluation"),
    ("17", "ethical approval"),
    ("18", "open science: funding, interests, protocol, registration, data and code"),
    ("19", "involvement of patients and the public"),
    ("20", "results: participants, their numbers and characteristics"),
    ("21", "results: numbers in development and evaluation"),
    ("22", "full specification of the model"),
    ("23", "model performance with intervals, also in groups"),
    ("24", "model updating: the updated model and its performance"),
    ("25", "interpretation"),
    ("26", "limitations"),
    ("27", "use in practice: input quality, users, next steps"),
)


class Item(NamedTuple):
    """One item of the checklist."""

    number: str
    asks_for: str
    answer: str
    """What is on this page; '' when the authors have to write it."""


def tripod_items(found: "ExternalValidation", *, recalibrated: str = "") -> tuple[Item, ...]:
    """Return every item, with what this validation says to it.

    Parameters
    ----------
    recalibrated : str
        Where the recalibrated model lies; '' when there is none.
    """
    answers = _answers(found, recalibrated)
    return tuple(Item(number, text, answers.get(number, YOURS)) for number, text in ITEMS)


def _answers(found: "ExternalValidation", recalibrated: str) -> dict[str, str]:
    record, counts = found.record, found.counts
    left = counts["without_outcome"] + counts["without_modality"] + counts["in_training"]
    is_survival = record.kind == "survival"
    columns = ", ".join(dict.fromkeys(found.subgroups["column"]))
    answers = {
        "4": "evaluation of a model that was trained elsewhere; nothing was fitted here",
        "9": f"modalities {', '.join(record.modalities)}; the columns are in the model folder",
        "10": f"{counts['patients']:,} patients, {_scarce(found)}; all who could be judged",
        "11": "the table “who has what”; a patient may lack any modality, none is imputed here",
        "12": (
            f"discrimination, calibration, net benefit; intervals from {found.bootstrap:,} "
            f"resamples of patients, seed {found.random_state}"
        ),
        "15": (
            f"risk, and survival at {', '.join(f'{h:g}' for h in found.horizons)} {found.unit}"
            if is_survival
            else f"probability of each class of {record.outcome}"
        ),
        "16": f"{len(found.shifts)} differences in the table “unlike training”",
        "20": f"{counts['patients']:,} judged, {left:,} left out, with the reasons",
        "21": (
            f"{record.patients:,} patients in development, {counts['patients']:,} here; "
            f"{_scarce(found)}"
        ),
        "22": "the model folder: weights, settings, training record, model card",
        "23": "performance with intervals" + (f"; in groups of {columns}" if columns else ""),
    }
    if columns:
        answers["14"] = f"performance and calibration in groups of {columns}"
    if recalibrated:
        answers["24"] = f"recalibrated on these patients, stored in {recalibrated}; not yet judged"
    return answers


def _scarce(found: "ExternalValidation") -> str:
    if "events" in found.counts:
        return f"{found.counts['events']:,} events"
    apart = ("patients", "without_outcome", "without_modality", "in_training")
    return ", ".join(f"{n:,} {name}" for name, n in found.counts.items() if name not in apart)
