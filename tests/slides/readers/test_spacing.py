import math
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from msfusion_sdk.config import PatchConfig
from msfusion_sdk.errors import SlideGeometryError, SlideResolutionError
from msfusion_sdk.slides import open_slide
from msfusion_sdk.slides.readers.header_checks import require_possible_levels
from msfusion_sdk.slides.readers.levels import choose_level
from msfusion_sdk.slides.readers.spacing import resolve_mpp
from msfusion_sdk.slides.tissue.patch_plan import plan_patches

CONFIG = PatchConfig()
PATCH_UM = 288.0


@st.composite
def pyramids(draw: st.DrawFn) -> tuple[float, ...]:
    """Downsamples as files really state them: 1, 3.9998, 16.003, …"""
    factor = draw(st.sampled_from([2, 4]))
    count = draw(st.integers(1, 5))
    jitter = draw(st.lists(st.floats(-2e-3, 2e-3), min_size=count - 1, max_size=count - 1))
    return (1.0, *(factor ** (i + 1) * (1 + wobble) for i, wobble in enumerate(jitter)))


@given(pyramids(), st.floats(0.05, 0.55))
def test_a_patch_covers_the_same_microns_on_every_scanner(
    downsamples: tuple[float, ...], mpp: float
) -> None:
    plan = plan_patches(downsamples, mpp, CONFIG)
    tolerance = 0.01 if plan.is_resampled else 0.02
    assert plan.l0_size * mpp == pytest.approx(PATCH_UM, rel=tolerance + 1e-9)


@given(pyramids(), st.floats(0.05, 0.55))
def test_the_spacing_in_the_plan_is_that_of_the_pixels_the_networks_see(
    downsamples: tuple[float, ...], mpp: float
) -> None:
    plan = plan_patches(downsamples, mpp, CONFIG)
    assert plan.effective_mpp * plan.out_size_px == pytest.approx(plan.l0_size * mpp)
    assert plan.effective_mpp == pytest.approx(0.25, rel=0.02 + 1e-9)


@given(pyramids(), st.floats(0.05, 0.55))
def test_a_patch_is_enlarged_only_from_level_zero(
    downsamples: tuple[float, ...], mpp: float
) -> None:
    plan = plan_patches(downsamples, mpp, CONFIG)
    assert plan.level == 0 or plan.level_size_px >= plan.out_size_px


@given(pyramids(), st.floats(0.05, 20), st.floats(0.05, 20))
def test_the_chosen_level_is_the_coarsest_that_is_fine_enough(
    downsamples: tuple[float, ...], mpp: float, wanted: float
) -> None:
    chosen = choose_level(downsamples, mpp, wanted)
    finer = [level for level, d in enumerate(downsamples) if d * mpp <= wanted * (1 + 1e-6)]
    assert chosen == (finer[-1] if finer else 0)


def test_a_downsample_just_below_four_is_not_three() -> None:
    plan = plan_patches((1.0, 3.9998), 0.0625, CONFIG)
    assert (plan.level, plan.level_size_px, plan.l0_size_px) == (1, 1152, 4608)


@pytest.mark.parametrize("mpp", [0.2451, 0.25, 0.2549])
def test_nothing_is_resampled_within_two_percent(mpp: float) -> None:
    plan = plan_patches((1.0, 4.0), mpp, CONFIG)
    assert not plan.is_resampled
    assert plan.effective_mpp == mpp


def test_a_twenty_times_slide_is_enlarged_twice_with_a_warning() -> None:
    plan = plan_patches((1.0,), 0.5, CONFIG)
    assert plan.level_size_px == 576
    assert "enlarged 2.00 times" in plan.warnings[0]


def test_the_largest_allowed_enlargement_is_allowed() -> None:
    assert plan_patches((1.0,), 0.55, CONFIG).level_size_px == round(1152 / 2.2)


def test_a_slide_beyond_max_upsample_is_refused_with_the_way_out() -> None:
    with pytest.raises(SlideResolutionError, match="--max-upsample 4"):
        plan_patches((1.0, 4.0), 1.0, CONFIG)


@pytest.mark.parametrize(
    "header",
    [
        (None, None),
        (0.25, None),
        (0.0, 0.0),
        (-0.25, -0.25),
        (math.inf, math.inf),
        (math.nan, math.nan),
        (352.78, 352.78),  # 72 dots per inch
        (0.25, 0.5),
    ],
)
def test_an_implausible_spacing_is_an_error_with_three_ways_out(
    header: tuple[float | None, float | None],
) -> None:
    with pytest.raises(
        SlideResolutionError,
        match=r"mpp=0\.25\) or --mpp .* mpp column.* msfusion cohort set with --mpp",
    ):
        resolve_mpp(header, None)


@pytest.mark.parametrize("argument", [0.0, -1.0, math.inf, math.nan, 40.0])
def test_an_implausible_argument_is_refused_too(argument: float) -> None:
    with pytest.raises(SlideResolutionError, match="mpp argument"):
        resolve_mpp((0.25, 0.25), argument)


def test_the_argument_wins_and_a_disagreement_is_told() -> None:
    spacing = resolve_mpp((0.5, 0.5), 0.25)
    assert (spacing.mpp, spacing.source) == (0.25, "argument")
    assert "the header says 0.5" in spacing.warnings[0]


def test_the_argument_rescues_a_header_without_sense() -> None:
    assert resolve_mpp((math.nan, None), 0.25).mpp == 0.25


@pytest.mark.parametrize(("mpp", "objective"), [(0.5, 40), (0.25, 20), (0.25, 10)])
def test_spacing_and_objective_that_disagree_are_a_warning(mpp: float, objective: float) -> None:
    assert "do not agree" in resolve_mpp((mpp, mpp), None, objective).warnings[0]


@pytest.mark.parametrize(
    ("mpp", "objective"), [(0.25, 40), (0.499, 20), (0.194, 40), (0.25, None), (0.25, math.nan)]
)
def test_usual_spacings_fit_their_objective(mpp: float, objective: float | None) -> None:
    assert resolve_mpp((mpp, mpp), None, objective).warnings == ()


def test_slightly_oblong_pixels_get_the_mean_spacing() -> None:
    assert resolve_mpp((0.25, 0.252), None).mpp == pytest.approx(0.251)


@pytest.mark.parametrize(
    ("dimensions", "tile", "file_bytes", "level_0_bytes", "words"),
    [
        ((), None, None, None, "no pyramid level"),
        (((0, 100),), None, None, None, "an empty level"),
        (((100, 100),), (65_536, 65_536), None, None, "a stored tile"),
        (((100, 100),), (0, 256), None, None, "a stored tile"),
        (((100, 100),), (256, 256), 2_000_000, 1_900_000, "1900000 bytes for 100 x 100"),
        (((1_000_000, 1_000_000),), (256, 256), 2_000_000, None, "in 2000000 bytes"),
    ],
)
def test_a_header_that_cannot_be_true_is_refused(
    dimensions: tuple[tuple[int, int], ...],
    tile: tuple[int, int] | None,
    file_bytes: int | None,
    level_0_bytes: int | None,
    words: str,
) -> None:
    with pytest.raises(SlideGeometryError, match=words):
        require_possible_levels(
            dimensions,
            (tile,) * max(1, len(dimensions)),
            file_bytes=file_bytes,
            level_0_bytes=level_0_bytes,
        )


@pytest.mark.parametrize(
    ("size", "file_bytes", "level_0_bytes"),
    [
        ((200_000, 200_000), 4_000_000_000, 3_000_000_000),
        ((46_000, 32_914), 180_000_000, None),
        # A large label beside a small slide; a small slide in one large stored tile.
        ((100, 100), 2_000_000, 9_000),
        ((16, 16), 3_300_000, 190_000),
    ],
)
def test_usual_headers_are_accepted(
    size: tuple[int, int], file_bytes: int, level_0_bytes: int | None
) -> None:
    require_possible_levels(
        (size,), ((256, 256),), file_bytes=file_bytes, level_0_bytes=level_0_bytes
    )


@pytest.mark.parametrize(
    ("fields", "stated"),
    [
        ("|MPP = 0.25|AppMag = 40|MPP = 0.5", "0.25 and 0.5"),
        ("|MPP = 0.5|MPP = 0.25", "0.25 and 0.5"),
        ("|MPP=0.5|MPP = 0.5|MPP = 0.23", "0.23 and 0.5"),
        ("|MPP = 0,25|MPP = 0.5", "0.25 and 0.5"),
    ],
)
def test_a_description_of_two_spacings_is_no_spacing(
    fields: str, stated: str, tmp_path: Path
) -> None:
    path = aperio_slide(tmp_path, fields)
    with open_slide(path) as slide:
        with pytest.raises(SlideResolutionError, match=rf"states {stated} µm .* --mpp"):
            slide.spacing()
        assert slide.header.header_mpp == (None, None)
    first, last = map(float, stated.split(" and "))
    for told in (first, last):
        with open_slide(path, mpp=told) as slide:
            assert (slide.spacing().mpp, slide.spacing().warnings) == (told, ())
    with open_slide(path, mpp=1.0) as slide:
        assert f"the header says {stated}" in slide.spacing().warnings[0]


@pytest.mark.parametrize(
    ("fields", "mpp"),
    [
        ("|MPP = 0.25|MPP = 0.25", 0.25),
        ("|MPP = 0.2520|MPP = 0.25", 0.25),
        ("|MPP = |MPP = 0.5", 0.5),
        ("|OriginalMPP = 0.25|MPP = 0.5", 0.5),
    ],
)
def test_a_spacing_that_is_said_twice_alike_is_one(fields: str, mpp: float, tmp_path: Path) -> None:
    with open_slide(aperio_slide(tmp_path, fields)) as slide:
        assert slide.spacing().mpp == pytest.approx(mpp, rel=0.01)


def aperio_slide(folder: Path, fields: str) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    description = f"Aperio Image Library v11\n640x480 (240x240){fields}"
    tifffile.imwrite(
        folder / "x.svs",
        pixels,
        tile=(240, 240),
        photometric="rgb",
        description=description,
        metadata=None,
    )
    return folder / "x.svs"
