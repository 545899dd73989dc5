"""The training curve: loss and validation score by epoch, a column per network."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from msfusion_sdk.files import storing
from msfusion_sdk.pretraining.checkpoint import TrainingState

__all__ = ["write_curve"]


def write_curve(path: Path, states: dict[str, TrainingState]) -> Path:
    """Draw loss and validation score by epoch, a column per network, as PNG."""
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots(2, len(states), sharex="col", squeeze=False)
    for column, (scale, state) in enumerate(states.items()):
        history = pd.DataFrame(state.history)
        upper, lower = axes[:, column]
        upper.plot(history["epoch"], history["loss"], color="tab:blue", label="training")
        upper.plot(
            history["epoch"], history["validation_loss"], color="tab:orange", label="validation"
        )
        upper.legend(frameon=False)
        lower.plot(history["epoch"], history["validation"], color="tab:green")
        lower.axvline(state.best_epoch, color="grey", linestyle=":")
        upper.set(title=f"{scale} network", ylabel="cross-entropy")
        lower.set(xlabel="epoch", ylabel="validation balanced accuracy")
        lower.annotate(
            f"best {state.best_score:.3f}, epoch {state.best_epoch}",
            (0.98, 0.05),
            ha="right",
            xycoords="axes fraction",
        )
    with storing(path) as temporary:
        figure.savefig(temporary, dpi=110)
    return path
