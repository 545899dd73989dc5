"""How a cohort is encoded; nothing here changes a vector."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from msfusion_sdk.config import FrozenConfig

__all__ = ["RunSettings"]


class RunSettings(FrozenConfig):
    """The arguments of ``Cohort.encode``, checked."""

    workers: int = Field(1, ge=1, description="processes, or actors of Ray")
    engine: Literal["local", "ray"] = "local"
    shard: str | None = Field(None, description="'i/n': the i-th of n parts, from 1")
    patches: bool = Field(False, description="also keep the patch rows, about 5 kB each")
    timeout_s: float = Field(600.0, gt=0, description="without progress, until a slide is given up")
    max_failures: float = Field(
        0.2, ge=0, le=1, description="share of failed slides that ends the run, after 20 slides"
    )
    staging: Path | None = Field(None, description="local folder for copies of slides")
    staging_gb: float = Field(100.0, gt=0, description="limit of all copies together")
    address: str | None = Field(None, description="of a Ray cluster; None starts one here")
    gpus_per_worker: float = Field(0.0, ge=0, description="of each Ray actor")
    cpus_per_worker: float = Field(1.0, gt=0, description="of each Ray actor")
    metrics: Path | None = Field(None, description="OpenMetrics text file, written while it runs")
