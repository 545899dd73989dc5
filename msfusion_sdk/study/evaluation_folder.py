"""An evaluation as a folder: the page, the numbers, the predictions and the figures."""

from pathlib import Path

from msfusion_sdk.evaluation.result.evaluation import Evaluation
from msfusion_sdk.evaluation.result.unit import takes_unit
from msfusion_sdk.figures.evaluation_figures import write_figures
from msfusion_sdk.files import made_folder, storing
from msfusion_sdk.study.evaluation_record import EVALUATION_FILE, write_evaluation_record

__all__ = ["write_evaluation"]


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
        Made if it is not there.
    command : str
        What was typed to get it, for reports.

    Returns
    -------
    dict
        From the name of each file to its path, or to the reason why a figure cannot be drawn.
    """
    folder = made_folder(Path(folder))
    with storing(folder / "summary.md") as temporary:
        temporary.write_text(evaluation.to_markdown(), encoding="utf-8")
    predictions = evaluation.to_parquet(folder / "predictions.parquet")
    figures = write_figures(evaluation, folder)
    not_drawn = {name: reason for name, reason in figures.items() if isinstance(reason, str)}
    # Last: a folder that has it is whole.
    record = write_evaluation_record(evaluation, folder, command=command, not_drawn=not_drawn)
    return {
        "summary.md": folder / "summary.md",
        "predictions.parquet": predictions,
        **figures,
        EVALUATION_FILE: record,
    }
