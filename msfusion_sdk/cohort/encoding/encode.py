"""``Cohort.encode``: choose the engine, run it, leave a summary."""

import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path

from msfusion_sdk.cohort.encoding.plan import SlideRow, in_shard
from msfusion_sdk.cohort.encoding.run import EncodingRun, Engine, RunProgress, run_encoding
from msfusion_sdk.cohort.encoding.summary import summary_path, write_summary
from msfusion_sdk.cohort.encoding.telling import Teller, progress_path
from msfusion_sdk.cohort.workers.local import encode_locally, threads_each
from msfusion_sdk.cohort.workers.settings import RunSettings
from msfusion_sdk.cohort.workers.worker import Job
from msfusion_sdk.encoder.slide_encoder import SlideEncoder

__all__ = ["encode_slides"]


def encode_slides(
    root: Path,
    rows: list[SlideRow],
    encoder: SlideEncoder,
    settings: RunSettings,
    progress: Callable[[RunProgress], None] | None = None,
) -> EncodingRun:
    """Encode those of ``rows`` that are in ``settings.shard``, and write ``summary.md``.

    Raises
    ------
    StoreError, RunInterruptedError
    """
    chosen = in_shard((row.slide_id for row in rows), settings.shard)
    fingerprint = encoder.fingerprint
    teller = Teller(
        progress_path(root, fingerprint, settings.shard),
        fingerprint,
        settings.shard,
        len(chosen),
        settings.metrics,
    )
    return run_encoding(
        root,
        [row for row in rows if row.slide_id in chosen],
        fingerprint,
        _engine(root, encoder, settings),
        patches=settings.patches,
        max_failures=settings.max_failures,
        show=progress,
        teller=teller,
        leave=partial(write_summary, summary_path(root, settings.shard)),
    )


def _engine(root: Path, encoder: SlideEncoder, settings: RunSettings) -> Engine:
    job = Job(
        root=root,
        fingerprint=encoder.fingerprint,
        # Once for all workers, not once for each.
        encoder=pickle.dumps(encoder),
        patches=settings.patches,
        device="cuda" if settings.gpus_per_worker else None,
        threads=_threads(settings),
        timeout_s=settings.timeout_s,
        staging=settings.staging,
        staging_gb=settings.staging_gb,
    )
    if settings.engine == "ray":
        # Here and nowhere else: the core works without Ray.
        from msfusion_sdk.cohort.workers.ray import encode_with_ray

        return partial(encode_with_ray, job, settings=settings)
    return partial(encode_locally, job, workers=settings.workers)


def _threads(settings: RunSettings) -> int:
    if settings.engine == "ray":  # whose actors run on other machines
        return max(1, int(settings.cpus_per_worker))
    return threads_each(settings.workers)
