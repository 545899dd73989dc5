"""What an evaluation says of itself in a few words: how good each model is by the main metric."""

from collections.abc import Sequence

import pandas as pd

from msfusion_sdk.evaluation.result.tables import cell
from msfusion_sdk.phrases import shortened

__all__ = ["model_cells"]


def model_cells(summary: pd.DataFrame, metric: str, models: Sequence[str]) -> dict[str, str]:
    """Return by model its mean of a metric, with the interval; as they stand in the summary.

    Parameters
    ----------
    summary : DataFrame
        Of an evaluation.
    metric : str
    models : sequence of str
        Whose rows are shown.
    """
    rows = summary[(summary["metric"] == metric) & summary["model"].isin(models)]
    limits = rows[["mean", "lower", "upper"]].to_numpy(object)
    return {
        shortened(str(name)): cell(*row) for name, row in zip(rows["model"], limits, strict=True)
    }
