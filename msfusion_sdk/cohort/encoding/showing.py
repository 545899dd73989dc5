"""How far a run is, for whoever looks: bars by default, a callable otherwise."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msfusion_sdk.cohort.encoding.run import RunProgress
from msfusion_sdk.monitoring.progress import ProgressLike, parameters_of, showing

__all__ = ["RunProgressLike", "shown_run"]

RunProgressLike = ProgressLike | Callable[[RunProgress], None]
"""A ``Progress``, a callable of one ``RunProgress``, None or False."""


@contextmanager
def shown_run(progress: RunProgressLike) -> Iterator[Callable[[RunProgress], None]]:
    """Yield what a run calls with its state."""
    if callable(progress) and parameters_of(progress) == 1:
        yield progress  # type: ignore[misc]
        return
    with showing(progress) as tell:  # type: ignore[arg-type]

        def show(run: RunProgress) -> None:
            text = f"{run.failed} failed, {run.patches_per_s:.2f} patches/s"
            tell("slides", run.ended, run.total, text)

        yield show
