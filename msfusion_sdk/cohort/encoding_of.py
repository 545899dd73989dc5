"""The run that encodes the slides of a cohort."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msfusion_sdk.cohort.encoding.plan import SlideRow
from msfusion_sdk.cohort.growth import CohortGrowth
from msfusion_sdk.cohort.vectors_of import CohortVectors
from msfusion_sdk.cohort.workers.settings import RunSettings
from msfusion_sdk.config.possible import possible_settings
from msfusion_sdk.errors import TableError
from msfusion_sdk.phrases import first_few
from msfusion_sdk.tables.paths import place_of

if TYPE_CHECKING:
    from msfusion_sdk.cohort.encoding.run import EncodingRun
    from msfusion_sdk.cohort.encoding.showing import RunProgressLike
    from msfusion_sdk.encoder.slide_encoder import SlideEncoder

__all__ = ["CohortEncoding"]


class CohortEncoding(CohortGrowth, CohortVectors):
    """The encoding of a cohort's slides; ``Cohort`` has it."""

    def encode(
        self,
        encoder: "SlideEncoder",
        *,
        preset: str | None = None,
        mpp: float | None = None,
        progress: "RunProgressLike" = None,
        workers: int = 1,
        engine: Literal["local", "ray"] = "local",
        shard: str | None = None,
        patches: bool = False,
        timeout_s: float = 600.0,
        max_failures: float = 0.2,
        staging: str | Path | None = None,
        staging_gb: float = 100.0,
        address: str | None = None,
        gpus_per_worker: float = 0.0,
        cpus_per_worker: float = 1.0,
        metrics: str | Path | None = None,
    ) -> "EncodingRun":
        """Encode every slide that has no part of this model yet; one bad slide stops nothing.

        Each result is committed as soon as it is there: call it again after any interruption
        to go on, and from as many processes and machines as share the folder.

        Parameters
        ----------
        encoder : SlideEncoder
        preset : str, optional
            Settings of tissue and patches by name, such as 'auto' or 'biopsy'; they are part of
            the fingerprint.
        mpp : float, optional
            µm per pixel of every slide that has none in the slide table, into which it is written;
            wins over the headers.
        progress : callable, None or False
            Called several times a second with a ``RunProgress``, or as
            :class:`~msfusion_sdk.monitoring.progress.Progress`.  None shows a bar in terminals
            and notebooks, False none.  The logger ``msfusion_sdk`` has a line per slide and one a
            minute.
        workers : int
            Processes, or actors of Ray.
        engine : 'local' or 'ray'
            What runs them.
        shard : str, optional
            ``"3/20"``: the third of 20 parts of the slides.
        patches : bool
            Also keep the patch rows, about 5 kB each.
        timeout_s : float
            Seconds without progress until a slide is given up.
        max_failures : float
            Share of failed slides that ends the run, after 20 slides.
        staging : path, optional
            Local folder for copies of slides, made ahead.
        staging_gb : float
            Limit of all copies together.
        address : str, optional
            Of a Ray cluster; None starts one here.
        gpus_per_worker, cpus_per_worker : float
            Of each Ray actor.
        metrics : path, optional
            OpenMetrics text file, written while it runs.

        Returns
        -------
        EncodingRun
            Every slide with its status, code and reason.  ``summary.md`` says it for people.

        Raises
        ------
        SettingError
            When an argument cannot be; it is a ``ValueError`` too.
        StoreError
            When results can no longer be stored, a full disk say; those committed stay.
        RunInterruptedError
            After SIGINT, SIGTERM or SIGHUP, with what is done committed.
        """
        from msfusion_sdk.cohort.encoding.encode import encode_slides
        from msfusion_sdk.cohort.encoding.showing import shown_run

        if preset is not None:
            encoder = encoder.with_config(encoder.config.with_preset(preset))
        with possible_settings(RunSettings):
            chosen = RunSettings(
                workers=workers, engine=engine, shard=shard, patches=patches, timeout_s=timeout_s,
                max_failures=max_failures, staging=None if staging is None else Path(staging),
                staging_gb=staging_gb, address=address, gpus_per_worker=gpus_per_worker,
                cpus_per_worker=cpus_per_worker, metrics=None if metrics is None else Path(metrics),
            )  # fmt: skip
        if mpp is not None:
            self.fill_spacings(mpp)
        rows = [] if self.slides is None else self.slides.to_pylist()
        _require_paths(rows)
        slides = [SlideRow(row["slide_id"], place_of(row), row.get("mpp")) for row in rows]
        with shown_run(progress) as show:
            return encode_slides(self.root, slides, encoder, chosen, show)


def _require_paths(rows: list[dict[str, Any]]) -> None:
    without = [row["slide_id"] for row in rows if not row["path"]]
    if without:
        msg = (
            f"{len(without)} slides have no path (first: {first_few(without)}): the cohort was "
            "made for features alone. To encode, create one with a column path in its slide table."
        )
        raise TableError(msg)
