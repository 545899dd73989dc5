"""An evaluation as a folder: the page, the numbers, the predictions and the figures."""

from pathlib import Path

from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.evaluation.result.unit import takes_unit
from msfusion_sdk.figures.evaluation_figures import write_figures
from msfusion_sdk.files import FolderKind, making, store_text
from msfusion_sdk.study.evaluation_record import (
    EVALUATION_FILE,
    PREDICTIONS_FILE,
    write_evaluation_record,
)

__all__ = ["write_evaluation"]

SUMMARY_FILE = "summary.md"
FIGURES = (
    "forest.png",
    "calibration.png",
    "contributions.png",
    "risk_groups.png",
    "roc.png",
    "precision_recall.png",
)
"""Of any outcome: those of an earlier evaluation are removed."""
EVALUATION = FolderKind(
    "evaluation",
    (SUMMARY_FILE, PREDICTIONS_FILE, EVALUATION_FILE, *FIGURES),
    EVALUATION_FILE,
    b'"split_hash"',
)


@takes_unit
def write_evaluation(
    evaluation: Evaluation, folder: str | Path, *, command: str = ""
) -> dict[str, Path | str]:
    """Write ``summary.md``, ``predictions.parquet``, ``evaluation.json`` and the figures.

    Parameters
    ----------
    evaluation : Evaluation
        As ``evaluate`` returns it.
    folder : path
        Made if it is not there; an earlier evaluation in it is written over.
    command : str
        What was typed to get it, for reports.

    Returns
    -------
    dict
        From the name of each file to its path, or to the reason why a figure cannot be drawn.
    """
    folder = Path(folder)
    with making(folder, EVALUATION) as staged:
        store_text(staged / SUMMARY_FILE, evaluation.to_markdown())
        evaluation.to_parquet(staged / PREDICTIONS_FILE)
        figures = write_figures(evaluation, staged)
        not_drawn = {name: reason for name, reason in figures.items() if isinstance(reason, str)}
        write_evaluation_record(evaluation, staged, command=command, not_drawn=not_drawn)
    written = (SUMMARY_FILE, PREDICTIONS_FILE, *figures, EVALUATION_FILE)
    return {name: not_drawn.get(name, folder / name) for name in written}
