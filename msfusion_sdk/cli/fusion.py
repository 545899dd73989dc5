"""``msfusion train``, ``predict``, ``classify``, ``explain``, ``evaluate`` and ``adapters``."""

import logging
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from msfusion_sdk.cli.shared.console import (
    bars,
    known_words,
    out,
    tell,
    tell_warning,
    told_warnings,
    typed,
)
from msfusion_sdk.cli.shared.encoding_options import Device, Json, Mpp

__all__ = ["adapters", "classify", "evaluate", "explain", "predict", "train"]

Folder = Annotated[Path, typer.Argument(metavar="COHORT", help="The cohort's folder.")]
Outcome = Annotated[str, typer.Option(help="An outcome that the cohort declares.")]
Modalities = Annotated[
    list[str] | None,
    typer.Option(help="slide or a modality; may be repeated. All but patches by default."),
]
Slides = Annotated[str, typer.Option(help="weighted (by tissue area) or mean, over a patient's.")]
SlideModel = Annotated[
    str | None, typer.Option(help="First letters of a fingerprint, where there are several.")
]
Fusion = Annotated[
    str | None,
    typer.Option(
        help="concat (default), average, stacking, product_of_experts, gated, low_rank, attention."
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Equal ones give equal results on one machine.")]


def train(
    folder: Folder,
    outcome: Outcome,
    model: Annotated[Path, typer.Option("--out", "-o", help="New folder for the model.")],
    modalities: Modalities = None,
    slides: Slides = "weighted",
    slide_model: SlideModel = None,
    fusion: Fusion = None,
    encoder: Annotated[
        str | None,
        typer.Option(help="Model that encoded the slides; with it the folder takes slide files."),
    ] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Fit a model on all patients with the outcome, and save it with a model card."""
    from msfusion_sdk.cohort.cohort import Cohort
    from msfusion_sdk.encoder.slide_encoder import SlideEncoder
    from msfusion_sdk.study.train import train_on_cohort

    cohort = Cohort.open(folder)
    with known_words(), told_warnings():
        record = train_on_cohort(
            cohort,
            outcome,
            model,
            modalities=modalities,
            aggregate=slides,  # type: ignore[arg-type]
            slide_model=slide_model,
            fusion=fusion,  # type: ignore[arg-type]
            random_state=seed,
            encoder=SlideEncoder.from_pretrained(encoder) if encoder else None,
        )
    if json:
        typer.echo(record.model_dump_json())
        return
    events = "" if record.events is None else f", {record.events} with an event"
    out.print(f"Learned {outcome} from {record.patients} patients{events}:")
    table = Table("patients", "modality", box=None, pad_edge=False)
    for name, count in record.modalities.items():
        table.add_row(str(count), name)
    out.print(table)
    out.print(f"{model / 'README.md'} is its model card.", markup=False, soft_wrap=True)


def predict(
    folder: Folder,
    model: Annotated[Path, typer.Option(help="A folder that train wrote.")],
    path: Annotated[Path, typer.Option("--out", "-o", help="The .parquet or .csv file to write.")],
) -> None:
    """Write risk, number or probability of each class of every patient with a modality."""
    from msfusion_sdk.cohort.cohort import Cohort
    from msfusion_sdk.study.models import predict_to_file

    cohort = Cohort.open(folder)
    with known_words(), told_warnings():
        predicted = predict_to_file(cohort, model, path)
    columns = ", ".join(predicted.columns)
    out.print(f"{path}: {len(predicted)} patients, {columns}.", markup=False, soft_wrap=True)
    without = len(cohort.patient_ids) - len(predicted)
    if without:
        out.print(f"{without} patients have none of the model's modalities, and no prediction.")


def classify(
    path: Annotated[Path, typer.Argument(metavar="SLIDE", help="A slide file.")],
    model: Annotated[Path, typer.Option(help="A folder that train wrote, given an encoder.")],
    mpp: Mpp = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Say how probable each class of a slide file is."""
    from msfusion_sdk.study.slide_classifier import SlideClassifier

    with known_words():
        classifier = SlideClassifier.load(model, device=device)
        chances, embedding = classifier.classify(path, mpp=mpp)
    warnings = list(embedding.provenance.warnings)
    if json:
        found = {str(name): float(chance) for name, chance in chances.items()}
        row = {"slide_id": embedding.slide_id, "probabilities": found, "warnings": warnings}
        out.print_json(data=row, indent=None)
        return
    table = Table("class", "probability", box=None, pad_edge=False)
    for name, chance in chances.sort_values(ascending=False).items():
        table.add_row(escape(str(name)), f"{chance:.3f}")
    out.print(table)
    for warning in warnings:
        tell_warning(warning)
    out.print("Research use only: not for diagnosis or for any decision about a patient.")


def explain(
    folder: Folder,
    patient: Annotated[str, typer.Argument(metavar="PATIENT", help="A patient_id.")],
    model: Annotated[Path, typer.Option(help="A folder that train wrote, of patches.")],
    results: Annotated[Path, typer.Option("--out", "-o", help="Folder for maps and tables.")],
    of: Annotated[
        str | None, typer.Option("--class", help="A class; the most probable one by default.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what each patch of a patient's slides adds to a prediction."""
    from msfusion_sdk.cohort.cohort import Cohort
    from msfusion_sdk.files import require_free
    from msfusion_sdk.study.explaining import explain_on_cohort
    from msfusion_sdk.study.explanation_folder import EXPLANATION, write_explanation

    cohort = Cohort.open(folder)
    require_free(results, EXPLANATION, None)
    with known_words():
        explanation = explain_on_cohort(cohort, model, patient, of=of)
        record = write_explanation(explanation, cohort, results, command=typed())
    if json:
        typer.echo(record.model_dump_json())
        return
    moved = explanation.deletion
    text = (
        f"{record.of} of {patient}: score {record.score:.3f}, {record.baseline:.3f} with average "
        f"slides; {len(explanation.patches)} patches. Without the strongest {moved.removed} it "
        f"moves by {moved.strongest:+.3f}, without as many by chance by {moved.random:.3f}."
    )
    out.print(text, markup=False, soft_wrap=True)
    for slide, reason in record.not_drawn.items():
        tell(f"{slide} was not drawn: {reason}", logging.WARNING)
    tell(f"Maps and tables are in {results}.")


def evaluate(
    folder: Folder,
    outcome: Outcome,
    results: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for predictions, summary and figures."),
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="By patient; each is judged once.")] = 5,
    site: Annotated[
        str | None, typer.Option(help="Column of the patient table: no site on both sides.")
    ] = None,
    bootstrap: Annotated[
        int, typer.Option(min=0, help="Resamples of patients, for the intervals; 0 gives none.")
    ] = 1000,
    modalities: Modalities = None,
    slides: Slides = "weighted",
    slide_model: SlideModel = None,
    fusion: Fusion = None,
    seed: Seed = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that fit models.")] = 1,
    json: Json = False,
) -> None:
    """Judge such models on patients they were not fitted on, beside each table alone."""
    from msfusion_sdk.cohort.cohort import Cohort
    from msfusion_sdk.files import require_free
    from msfusion_sdk.study.evaluation_folder import EVALUATION, write_evaluation
    from msfusion_sdk.study.models import evaluate_on_cohort

    cohort = Cohort.open(folder)
    if results:  # refused before hours of fitting
        require_free(results, EVALUATION, None)
    with known_words(), told_warnings(), bars() as bar:
        evaluation = evaluate_on_cohort(
            cohort,
            outcome,
            folds=folds,
            site=site,
            modalities=modalities,
            aggregate=slides,  # type: ignore[arg-type]
            slide_model=slide_model,
            fusion=fusion,  # type: ignore[arg-type]
            bootstrap=bootstrap,
            random_state=seed,
            n_jobs=jobs,
            progress=lambda done, total: bar("models", done, total),
        )
    if json:
        typer.echo(evaluation.to_frame().to_json(orient="records", lines=True).rstrip())
        for warning in evaluation.warnings:
            tell_warning(warning)
    else:
        out.print(evaluation.to_text(), markup=False, soft_wrap=True)
    if results:
        written = write_evaluation(evaluation, results, command=typed())
        for name, reason in written.items():
            if isinstance(reason, str):
                tell(f"{name} was not drawn: {reason}", logging.WARNING)
        tell(f"Results are in {results}.")


def adapters(json: Json = False) -> None:
    """List the modality adapters of all installed packages."""
    from msfusion_sdk.registry import list_adapters

    table = Table("name", "from", box=None, pad_edge=False)
    for name, origin in list_adapters().items():
        if json:
            out.print_json(data={"name": name, "from": origin}, indent=None)
        table.add_row(name, origin)
    if not json:
        out.print(table)
