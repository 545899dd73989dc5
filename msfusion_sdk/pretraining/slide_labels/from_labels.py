"""From slides with classes to a model folder: ``msfusion pretrain labels``."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from msfusion_sdk.encoder.backends.devices import choose_runtime
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.encoder.weights.encoder_folder import (
    load_model_folder,
    model_fingerprint,
    write_model_folder,
)
from msfusion_sdk.encoder.weights.hub import locate_model
from msfusion_sdk.errors import DegenerateSplitError, NetworkFactsError, TableError
from msfusion_sdk.files import made_folder, require_free, store_text
from msfusion_sdk.files.csv_text import csv_for_people
from msfusion_sdk.monitoring.progress import Progress, no_progress, shows_progress
from msfusion_sdk.pretraining.annotated.dataset_config import DatasetConfig
from msfusion_sdk.pretraining.annotated.listing import AnnotatedSlide, list_slides
from msfusion_sdk.pretraining.curve import write_curve
from msfusion_sdk.pretraining.index import PARTS, Part, assign_parts
from msfusion_sdk.pretraining.scores import summarise
from msfusion_sdk.pretraining.slide_labels.bags import Bag, readable_bags
from msfusion_sdk.pretraining.slide_labels.card import LabelsFacts, labels_card
from msfusion_sdk.pretraining.slide_labels.fine_tune_config import FineTuneConfig
from msfusion_sdk.pretraining.slide_labels.kept_maps import KeptMaps, weighing_by_attention
from msfusion_sdk.pretraining.slide_labels.training import FineTuning, Labelled
from msfusion_sdk.storage.model_folder import MODEL

__all__ = ["pretrain_labels"]

VALIDATION, TEST = 0.2, 0.2
"""Shares of the patients.  The validation part decides among few epochs, by slides and not by
thousands of images, so it is larger than where networks are trained on images."""
FEWEST = {"train": 3, "validation": 1, "test": 1}
"""Slides of each class that a part must have."""


@shows_progress
def pretrain_labels(
    slides: str | Path,
    label: str,
    out: str | Path,
    config: FineTuneConfig,
    *,
    patients: str | Path | None = None,
    start: str | Path | None = None,
    network: str | Path | None = None,
    cache_gb: float = 20.0,
    name: str = "fine-tuned",
    about: str = "",
    device: str = "auto",
    progress: Progress | None = None,
) -> Path:
    """Fine-tune both networks of a model from the classes of slides, and write a model folder.

    In each step a few patches of a slide go through both networks and the attention fusion to a
    slide vector, a linear classifier says its class, and the cross-entropy moves all of it.  The
    classifier is first fitted to the networks as they are.  Patients are split into training,
    validation (which chooses the epoch) and test before anything else.

    Parameters
    ----------
    config : FineTuneConfig
        Epochs, rates and patches of a bag.
    name : str
        What the model is called in its configuration and card.
    about : str
        Markdown on the data's origin and licence, put into the model card.
    device : 'auto', 'cpu' or 'cuda'
        Where the networks run.
    progress : callable, optional
        Called as the work goes on.
    slides, patients
        As in ``list_slides``.
    label : str
        The column with the slides' classes, in the table of slides or of patients.
    out : path
        Becomes the model folder.  ``training/`` inside it holds checkpoints, ``split.csv``,
        ``slides.csv`` (why a slide was left out), ``test.csv`` (what was predicted for test
        slides before and after), ``scores.csv`` and ``curve.png``.  Called again, it goes on
        after the last epoch.
    start : str or path, optional
        The model to begin with, as in ``SlideEncoder.from_pretrained``; the embedded one if None.
    network : str or path, optional
        Instead of ``start`` a model of frozen networks: their maps of ``judged_patches`` patches
        of a slide are computed once, and their attention alone is trained.
    cache_gb : float
        Limit of these maps on disk.

    Returns
    -------
    Path
        The model folder, ready for ``SlideEncoder.from_pretrained`` and ``SlideClassifier``.

    Raises
    ------
    TableError
        When the tables do not fit.
    DegenerateSplitError
        When too few patients of a class are left for one of the parts.
    WeightsMismatchError
        When ``out`` holds a run with other settings or other slides.
    """
    report = progress or no_progress
    require_free(Path(out), MODEL, None)
    training = Path(out) / "training"
    made_folder(training)
    model, manifest = load_model_folder(locate_model(start if network is None else network))
    plain = encoder = manifest.encoder.model_copy(update={"name": name})
    if network is None:
        _require_own_networks(model, manifest.encoder.name)
    else:
        model, encoder = weighing_by_attention(model, encoder)
    entries = list_slides(slides, None, DatasetConfig(label=label), patients)
    bags, reasons = readable_bags(
        entries, encoder, lambda done, total: report("slides", done, total, "")
    )
    _write_slides(training / "slides.csv", entries, reasons)
    classes = _classes(entries)
    parts = _split(bags, config.seed)
    by_part = {part: Labelled(_of(bags, parts, part), classes) for part in PARTS}
    _check_parts(by_part, classes, reasons)
    _write_split(training / "split.csv", bags, parts)

    runtime = choose_runtime(device)
    # Weights and settings of the start: a run that began elsewhere is not continued.
    began = model_fingerprint(manifest.weights_sha256, manifest.encoder)
    settings = _digest(config, began, bags, parts)
    kept = None
    if network is not None:
        runtime = choose_runtime("cpu", "fp32")  # of the attention, which is small
        folder = training / "maps" / settings[:16]
        kept = KeptMaps(
            model, folder, patches=config.judged_patches, seed=config.seed, limit_gb=cache_gb
        )
        for done, bag in enumerate(bags, 1):
            kept.compute(bag, len(bags))
            report("maps", done, len(bags), "")
    run = FineTuning(model.to(runtime.device), classes, config, runtime, settings, kept)
    history = run.run(by_part["train"], by_part["validation"], training, report)
    scores = _evaluate(run, by_part["test"], training, report)
    write_curve(training / "curve.png", {"both": history})
    facts = LabelsFacts(
        name=name,
        about=about,
        start=manifest.encoder.name,
        train=config,
        classes=classes,
        slides={part: len(by_part[part]) for part in PARTS},
        patients={part: sum(p == part for p in parts.values()) for part in PARTS},
        left_out=len(reasons),
        state=history,
        scores=scores,
        is_frozen=network is not None,
    )
    if history.best_epoch == 0:  # an attention that did not pay is not used
        encoder = plain
    write_model_folder(Path(out), run.model, encoder, labels_card(facts), manifest.places)
    return Path(out)


def _require_own_networks(model: TwoScaleModel, name: str) -> None:
    if model.attended():
        msg = (
            f"{name} is of frozen networks, which fine-tuning would change. Train its attention "
            "alone: give it as network= (--network) and not as start= (--start)."
        )
        raise NetworkFactsError(msg)


def _classes(entries: Sequence[AnnotatedSlide]) -> list[str]:
    classes = sorted({str(entry.label) for entry in entries})
    if len(classes) < 2:
        msg = f"All slides have the class {classes[0]!r}, and telling apart needs two."
        raise TableError(msg)
    return classes


def _split(bags: Sequence[Bag], seed: int) -> dict[str, Part]:
    """Return the part of every patient: all slides of a patient are on one side."""
    rows = [{"group": bag.entry.patient_id, "class": str(bag.entry.label)} for bag in bags]
    # A patient whose slides have several classes is filed under the first.
    table = pd.DataFrame(rows, columns=["group", "class"]).drop_duplicates("group")
    return assign_parts(table, None, seed=seed, validation=VALIDATION, test=TEST)


def _of(bags: Sequence[Bag], parts: dict[str, Part], part: Part) -> list[Bag]:
    return [bag for bag in bags if parts[bag.entry.patient_id] == part]


def _evaluate(run: FineTuning, test: Labelled, training: Path, report: Progress) -> pd.DataFrame:
    """Return and write the scores on the test slides, before and after; ends with the best."""
    rows: list[dict[str, object]] = []
    predicted: list[pd.DataFrame] = []
    groups = np.array([bag.entry.patient_id for bag in test.bags], dtype=object)
    states: dict[str, Literal["start", "best"]] = {"as they were": "start", "fine-tuned": "best"}
    for which, state in states.items():
        report("test", len(rows), len(states), which)
        run.go_to(training, state)
        chances = run.probabilities(test)
        rows.append({"networks": which, **summarise(test.codes, chances, groups)})
        table = pd.DataFrame(chances, columns=list(run.classes))
        table.insert(0, "networks", which)
        table.insert(1, "slide_id", [bag.entry.slide_id for bag in test.bags])
        table.insert(2, "class", [bag.entry.label for bag in test.bags])
        predicted.append(table)
    report("test", len(states), len(states), "done")
    store_text(training / "test.csv", csv_for_people(pd.concat(predicted)))
    scores = pd.DataFrame(rows).rename(columns={"groups": "patients", "tiles": "slides"})
    store_text(training / "scores.csv", csv_for_people(scores))
    return scores


def _check_parts(
    by_part: dict[Part, Labelled], classes: Sequence[str], reasons: dict[str, str]
) -> None:
    for part, labelled in by_part.items():
        counts = np.bincount(labelled.codes, minlength=len(classes))
        short = [n for n, count in zip(classes, counts, strict=True) if count < FEWEST[part]]
        if short:
            unread = f" {len(reasons)} slides were left out: see slides.csv." if reasons else ""
            msg = (
                f"The {part} part needs {FEWEST[part]} slides of each class, and has too few of "
                f"{', '.join(short)}. Add patients: 60 % train, 20 % choose the epoch and "
                f"20 % test.{unread}"
            )
            raise DegenerateSplitError(msg)


def _write_slides(path: Path, entries: Sequence[AnnotatedSlide], reasons: dict[str, str]) -> None:
    rows = [
        {"slide_id": e.slide_id, "class": e.label, "left_out": reasons.get(e.slide_id, "")}
        for e in entries
    ]
    store_text(path, csv_for_people(pd.DataFrame(rows)))


def _write_split(path: Path, bags: Sequence[Bag], parts: dict[str, Part]) -> None:
    rows = [
        {
            "patient_id": bag.entry.patient_id,
            "slide_id": bag.entry.slide_id,
            "class": bag.entry.label,
            "part": parts[bag.entry.patient_id],
        }
        for bag in bags
    ]
    store_text(path, csv_for_people(pd.DataFrame(rows)))


def _digest(config: FineTuneConfig, began: str, bags: Sequence[Bag], parts: dict[str, Part]) -> str:
    """Return a hash of all that decides the result, so that only the same run is continued."""
    rows = [[b.entry.slide_id, b.entry.label, parts[b.entry.patient_id], b.locations] for b in bags]
    text = json.dumps([config.model_dump_json(), began, rows])
    return hashlib.sha256(text.encode()).hexdigest()
