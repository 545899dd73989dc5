"""An evaluation as a folder: the page, the predictions and the figures."""

from pathlib import Path

from msfusion_sdk.evaluation.result import Evaluation
from msfusion_sdk.files import storing
from msfusion_sdk.report.evaluation_figures import write_figures
from msfusion_sdk.report.training_record import made_folder

__all__ = ["write_evaluation"]


def write_evaluation(
    evaluation: Evaluation, folder: str | Path, *, unit: str | None = None
) -> dict[str, Path | str]:
    """Write ``predictions.parquet``, ``summary.md`` and the figures into ``folder``.

    Parameters
    ----------
    unit : str, optional
        Of time, for the figures.

    Returns
    -------
    dict
        From the name of each file to its path, or to the reason why a figure cannot be drawn.
    """
    folder = made_folder(Path(folder))
    with storing(folder / "summary.md") as temporary:
        temporary.write_text(evaluation.to_markdown(), encoding="utf-8")
    predictions = evaluation.to_parquet(folder / "predictions.parquet")
    return {
        "summary.md": folder / "summary.md",
        "predictions.parquet": predictions,
        **write_figures(evaluation, folder, unit=unit),
    }
