"""The whole way on a made cohort: slides and tables to vectors, to predictions, to one page."""

from collections.abc import Callable
from pathlib import Path
from warnings import catch_warnings, simplefilter

from msfusion_sdk.cohort.cohort import Cohort
from msfusion_sdk.encoder.slide_encoder import SlideEncoder
from msfusion_sdk.files import made_folder
from msfusion_sdk.report.write import write_report
from msfusion_sdk.study.evaluation_folder import write_evaluation
from msfusion_sdk.study.models import evaluate_on_cohort
from msfusion_sdk.study.train import train_on_cohort
from msfusion_sdk.testing.made_cohort import make_cohort

__all__ = ["SYNTHETIC", "run_cohort_demo"]

SYNTHETIC = (
    "Everything here is synthetic: slides, patients, tables and outcomes are made by "
    "msfusion_sdk.testing, and one slide file is empty on purpose. Age and two genes were planted: "
    "they shorten the time to the event, and how strongly, and the number of patients, were chosen "
    "so that fused tables show more than each alone. That fusion wins here is no result. Twelve "
    "slides of 160 patients are too few to learn from: they are encoded and shown, and outcomes "
    "are predicted from the tables. No number on this page says anything about patients or about "
    "how good the method is."
)
# Of six settings tried, patients and effect are those at which fusion shows more than a table
# alone.  Folds and resamples: fewer than by default: the demonstration is to end within minutes.
_PATIENTS, _FOLDS, _RESAMPLES = 160, 3, 100
_TABLES = ("clinical", "genomics")


def run_cohort_demo(
    folder: str | Path,
    encoder: SlideEncoder,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Path]:
    """Make a cohort, encode, evaluate and train on it, export it and write a report.

    Parameters
    ----------
    encoder : SlideEncoder
        Encodes the slides.
    folder : path
        ``made`` (slides and tables), ``cohort``, ``survival``, ``diagnosis`` (evaluations),
        ``model``, ``features.parquet`` and ``report.html`` are written into it; ``cohort`` and
        ``model`` must not be there.
    progress : callable, optional
        Called with (stage, steps done, steps in all).

    Returns
    -------
    dict
        From what is there to look at to its path.
    """
    folder = made_folder(Path(folder))
    tell = progress or (lambda stage, done, total: None)
    tables = make_cohort(folder / "made", n_patients=_PATIENTS)
    cohort = Cohort.create(folder / "cohort", patients=tables.patients, slides=tables.slides)
    cohort.add_modality("clinical", tables.clinical)
    cohort.add_modality("genomics", tables.genomics)
    cohort.encode(encoder, patches=True, progress=lambda run: tell("slides", run.ended, run.total))
    # Warnings of so small a cohort are on the page, beside the numbers that they limit.
    with catch_warnings():
        simplefilter("ignore")
        for step, outcome in enumerate(("survival", "diagnosis")):
            tell("outcomes", step, 2)
            _evaluate(cohort, outcome, folder / outcome)
        train_on_cohort(cohort, "survival", folder / "model", modalities=_TABLES)
        tell("outcomes", 2, 2)
        features = cohort.export(folder / "features.parquet").path
        chapters = [folder / name for name in ("cohort", "survival", "diagnosis", "model")]
        report = write_report(chapters, folder / "report.html", notice=SYNTHETIC)
    return {"report": report, "features by patient": features, "model": folder / "model"}


def _evaluate(cohort: Cohort, outcome: str, folder: Path) -> None:
    evaluation = evaluate_on_cohort(
        cohort, outcome, modalities=_TABLES, folds=_FOLDS, bootstrap=_RESAMPLES
    )
    command = (
        f"msfusion evaluate cohort --outcome {outcome} --folds {_FOLDS} "
        f"{' '.join(f'--modalities {name}' for name in _TABLES)} "
        f"--bootstrap {_RESAMPLES} --out {outcome}"
    )
    write_evaluation(evaluation, folder, command=command)
