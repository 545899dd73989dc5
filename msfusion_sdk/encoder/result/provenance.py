"""Where a slide vector is from: slide, spacing, model, settings, versions and what went wrong.

Holds no path, no file name, no label and no patient property of the slide.
"""

from typing import Self

from msfusion_sdk.config import EncoderConfig, FrozenConfig
from msfusion_sdk.phrases import html_table, one_line
from msfusion_sdk.slides.files.stamp import FileStamp
from msfusion_sdk.slides.stain import StainProfile

__all__ = [
    "BadRegion",
    "ModelIdentity",
    "Provenance",
    "RuntimeFacts",
    "SlideIdentity",
    "SpacingFacts",
    "StainFacts",
    "TissueFacts",
    "provenance_facts",
]


class SlideIdentity(FrozenConfig):
    """The file that was read."""

    _added = frozenset({"companions", "icc_profile", "remote"})

    reader: str
    vendor: str
    level_dimensions: tuple[tuple[int, int], ...]
    level_downsamples: tuple[float, ...]
    magnification: float | None
    size_bytes: int
    mtime_ns: int
    quickhash: str | None
    """OpenSlide's hash of the header and the smallest level; not a hash of the content."""
    companions: str | None = None
    """Digest of the sizes and times of all files, where the slide is more than one file."""
    icc_profile: str | None = None
    """SHA-256 of the colour profile in the file; None where there is none."""
    remote: str | None = None
    """Checksum, ETag or time of change that its server stated, where it was on no disk."""

    def read_from(self, stamp: FileStamp) -> Self:
        """Return the identity of the slide whose copy was read."""
        return self.model_copy(
            update={
                "size_bytes": stamp.size_bytes,
                "mtime_ns": stamp.mtime_ns,
                "companions": stamp.companions,
                "remote": stamp.remote,
            }
        )

    def is_of(self, stamp: FileStamp) -> bool:
        """Say whether files as they are now are those that were read, as far as is recorded."""
        found = self.size_bytes, self.mtime_ns, self.remote
        if found != (stamp.size_bytes, stamp.mtime_ns, stamp.remote):
            return False
        # Version 0.1.0 recorded the main file alone.
        return self.companions is None or self.companions == stamp.companions


class SpacingFacts(FrozenConfig):
    """µm per pixel: asked for, found and used."""

    target_mpp: float
    slide_mpp: float
    source: str
    effective_mpp: float
    level: int
    is_resampled: bool

    @property
    def given_mpp(self) -> float | None:
        """The spacing of level 0 given by the caller; None when it was taken from the header."""
        return self.slide_mpp if self.source == "argument" else None


class StainFacts(FrozenConfig):
    """What was found of a slide's stains, and whether its colours were changed."""

    is_applied: bool
    found: StainProfile | None = None
    reason: str = ""
    """Why the colours were left as they are."""


class TissueFacts(FrozenConfig):
    """The mask and the grid."""

    area_mm2: float
    share: float
    saturation_threshold: float | None
    candidates: int
    keep_rule: str
    tissue_recall: float | None
    overview_px_read: int


class BadRegion(FrozenConfig):
    """A region that could not be decoded and is not part of the vector."""

    x: int
    y: int
    size_px: int
    """Edge of a patch, or the longer edge of an overview block; level-0 pixels."""
    stage: str
    """'overview' (its tissue was not seen), 'patch' (it was left out) or 'quality'."""
    reason: str


class ModelIdentity(FrozenConfig):
    """Weights and settings."""

    name: str
    weights_sha256: str
    fingerprint: str


class RuntimeFacts(FrozenConfig):
    """What ran: recorded, and no part of a result's identity."""

    _added = frozenset({"difference", "remark"})

    device: str
    precision: str
    backend: str = "torch"
    versions: dict[str, str]
    difference: float | None = None
    """Of vectors from torch's in fp32, relative; measured for networks from elsewhere."""
    remark: str = ""
    """Why it is not the back end that was asked for."""


class Provenance(FrozenConfig):
    """Everything needed to judge or repeat a result; ``model_dump()`` shows all of it."""

    _added = frozenset({"excluded"})

    slide: SlideIdentity
    spacing: SpacingFacts
    tissue: TissueFacts
    stain: StainFacts | None = None
    """None when the model does not normalise colours."""
    model: ModelIdentity
    config: EncoderConfig
    runtime: RuntimeFacts
    bad_regions: tuple[BadRegion, ...] = ()
    excluded: tuple[BadRegion, ...] = ()
    """Patches that were read and left out for their quality."""
    patches_with_missing_pixels: int = 0
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return one_line("Provenance", provenance_facts(self).values())

    def __str__(self) -> str:
        return repr(self)

    def _repr_html_(self) -> str:
        return html_table("Provenance", provenance_facts(self))


def provenance_facts(provenance: "Provenance") -> dict[str, str]:
    """Return what was read, how, and by which model; the whole of it is ``model_dump()``."""
    slide, spacing, tissue = provenance.slide, provenance.spacing, provenance.tissue
    width, height = slide.level_dimensions[0]
    recall = tissue.tissue_recall
    model, runtime = provenance.model, provenance.runtime
    return {
        "slide": f"{slide.vendor} by {slide.reader}, {width} × {height} px",
        "spacing": f"{spacing.slide_mpp:g} µm/px, read at {spacing.effective_mpp:.4g}",
        "tissue": f"{tissue.area_mm2:.2f} mm²"
        + ("" if recall is None else f", {100 * recall:.0f} % of it in patches"),
        "model": f"{model.name} {model.fingerprint[:12]}",
        "computed": f"{runtime.device} {runtime.precision} {runtime.backend}",
        "bad regions": _counted(len(provenance.bad_regions), "bad region"),
        "left out": _counted(len(provenance.excluded), "patch left out", "patches left out"),
        "warnings": _counted(len(provenance.warnings), "warning"),
    }


def _counted(number: int, one: str, several: str = "") -> str:
    """Return a number with its word; nothing where there are none."""
    if not number:
        return ""
    return f"{number} {one if number == 1 else several or one + 's'}"
