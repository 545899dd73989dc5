from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from msfusion_sdk.config import EncoderConfig, TissueConfig
from msfusion_sdk.slides import open_slide
from msfusion_sdk.slides.tissue.mask import TissueMask, find_tissue
from msfusion_sdk.slides.tissue.overview import Overview, read_overview
from msfusion_sdk.testing.tissue import he_texture

pytestmark = pytest.mark.slow

CONFIG = TissueConfig()
GLASS, EOSIN, PURPLE = (243, 242, 244), (224, 150, 186), (110, 60, 150)


def paint(*shapes: tuple[str, tuple[int, int, int], int], ground: object = GLASS) -> np.ndarray:
    """A picture of 300 x 400 with discs and horizontal bands of a colour, slightly noisy."""
    pixels = np.full((300, 400, 3), ground, np.uint8)
    for kind, colour, size in shapes:
        if kind == "disc":
            cv2.circle(pixels, (200, 150), size, colour, -1)
        else:
            pixels[150 - size : 150 + size] = colour
    noisy = pixels + np.random.default_rng(0).normal(0, 3, pixels.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def tissue_of(
    pixels: np.ndarray, missing: np.ndarray | None = None, config: TissueConfig = CONFIG
) -> TissueMask:
    nothing = np.zeros(pixels.shape[:2], bool)
    missing = nothing if missing is None else missing
    return find_tissue(Overview(pixels, missing, (32.0, 32.0), 8.0, pixels.size // 3), config)


@pytest.mark.parametrize(
    "ground", [(255, 255, 255), GLASS, (235, 228, 220), (225, 228, 232), (0, 0, 0), (128, 128, 128)]
)
@pytest.mark.parametrize("noise", [0, 3, 6])
def test_glass_of_any_tint_is_empty(ground: tuple[int, int, int], noise: int) -> None:
    pixels = np.random.default_rng(0).normal(ground, noise, (300, 400, 3))
    assert not tissue_of(np.clip(np.rint(pixels), 0, 255).astype(np.uint8)).mask.any()


def test_two_kinds_of_glass_are_not_split_into_glass_and_tissue() -> None:
    pixels = paint(ground=(235, 228, 220))
    pixels[:, :150] = 255  # what a scanner writes where it did not scan
    assert not tissue_of(pixels).mask.any()


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
@pytest.mark.parametrize(
    "tint", [(240, 232, 228), (238, 225, 220), (232, 212, 205), (225, 235, 240)]
)
def test_glass_that_is_tinted_in_part_is_glass(tint: tuple[int, int, int], share: float) -> None:
    # As beside a cover slip, or where the mounting medium has yellowed: both with noise.
    pixels = np.full((300, 400, 3), 243.0)
    pixels[:, : round(400 * share)] = tint
    pixels += np.random.default_rng(0).normal(0, 2, pixels.shape)
    pixels = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    found = tissue_of(pixels)
    # Where the tinted part is the smaller one, its saturation alone cannot tell it from tissue.
    if share > 0.5 or min(tint) > 225:
        assert not found.mask.any()
    assert not any("--preset pale" in warning for warning in found.warnings)


@pytest.mark.parametrize("colour", [EOSIN, PURPLE, (205, 170, 195), (230, 198, 215)])
def test_a_picture_full_of_tissue_is_tissue(colour: tuple[int, int, int]) -> None:
    tissue = tissue_of(paint(ground=colour))
    assert tissue.share > 0.99
    assert "look at the overlay" in tissue.warnings[0]


@pytest.mark.parametrize("colour", [EOSIN, PURPLE, (215, 175, 200)])
@pytest.mark.parametrize("ground", [GLASS, (235, 228, 220)])
def test_a_disc_of_tissue_is_found_whole(
    colour: tuple[int, int, int], ground: tuple[int, int, int]
) -> None:
    truth = cv2.circle(np.zeros((300, 400), np.uint8), (200, 150), 80, 1, -1) > 0
    found = tissue_of(paint(("disc", colour, 80), ground=ground)).mask
    assert (found & truth).sum() / (found | truth).sum() > 0.95


def test_dense_tissue_does_not_hide_pale_tissue() -> None:
    pixels = paint(("disc", (225, 190, 210), 120), ("disc", PURPLE, 60))
    assert tissue_of(pixels).mask.sum() == pytest.approx(np.pi * 120**2, rel=0.05)


def test_a_piece_too_small_for_otsu_is_found_on_tinted_glass() -> None:
    assert tissue_of(paint(("disc", PURPLE, 12), ground=(235, 228, 220))).mask[150, 200]


def test_a_hole_is_filled_when_small_and_kept_when_large() -> None:
    small = paint(("disc", EOSIN, 100), ("disc", GLASS, 6))
    large = paint(("disc", EOSIN, 100), ("disc", GLASS, 40))
    assert tissue_of(small).mask[150, 200]
    assert not tissue_of(large).mask[150, 200]


def test_dust_is_dropped() -> None:
    # A disc of radius 8 px is 12 900 µm², below the 20 000 of the configuration.
    assert not tissue_of(paint(("disc", PURPLE, 8))).mask.any()


INKS = [(20, 120, 60), (30, 90, 190), (200, 20, 40), (15, 15, 20), (60, 180, 160)]


@pytest.mark.parametrize("ink", INKS)
def test_a_pen_stroke_beside_tissue_is_left_out(ink: tuple[int, int, int]) -> None:
    pixels = paint(("disc", EOSIN, 60))
    cv2.line(pixels, (20, 20), (20, 280), ink, 12)
    found = tissue_of(pixels).mask
    assert not found[:, :40].any()
    assert found[150, 200]


@pytest.mark.parametrize("ink", INKS[:1] + INKS[2:4])
def test_a_slide_of_pen_alone_is_empty(ink: tuple[int, int, int]) -> None:
    pixels = paint()
    cv2.line(pixels, (20, 20), (380, 280), ink, 12)
    assert not tissue_of(cv2.GaussianBlur(pixels, (0, 0), 1)).mask.any()


def test_ink_is_kept_on_request() -> None:
    pixels = paint(("disc", (30, 90, 190), 60))
    assert tissue_of(pixels, config=TissueConfig(drop_pen=False)).mask[150, 200]


def test_much_ink_is_a_warning_with_what_changes_it() -> None:
    pixels = paint(("band", (30, 140, 90), 60))
    (warning,) = tissue_of(pixels).warnings
    assert "marker ink" in warning
    assert "--stain ihc or other" in warning
    assert "--keep-ink" in warning
    # Ink so smooth is ink with any stain: only one way is left.
    (warning,) = tissue_of(pixels, config=TissueConfig(stain="other")).warnings
    assert "--stain" not in warning
    assert "--keep-ink" in warning
    assert tissue_of(pixels, config=TissueConfig(drop_pen=False)).mask[150, 200]


def test_black_scanner_borders_are_not_tissue() -> None:
    pixels = paint(("disc", EOSIN, 60))
    pixels[:, :30] = pixels[:25] = 0
    found = tissue_of(pixels).mask
    assert not found[:, :30].any()
    assert not found[:25].any()
    assert found.sum() == pytest.approx(np.pi * 60**2, rel=0.05)


def test_missing_pixels_are_never_tissue() -> None:
    missing = np.zeros((300, 400), bool)
    missing[:, :200] = True
    assert not tissue_of(paint(ground=EOSIN), missing).mask[:, :200].any()


def test_contours_drawn_again_give_the_mask() -> None:
    pixels = paint(("disc", EOSIN, 120), ("disc", GLASS, 60), ("disc", EOSIN, 25))
    tissue = tissue_of(pixels)
    drawn = np.zeros(tissue.mask.shape, np.uint8)
    for outer, *holes in tissue.contours():
        rings = [np.rint(ring / 32 - 0.5).astype(np.int32) for ring in (outer, *holes)]
        piece = cv2.fillPoly(np.zeros_like(drawn), rings[:1], 1)
        piece = cv2.polylines(cv2.fillPoly(piece, rings[1:], 0), rings[1:], True, 1)
        drawn |= piece
    assert len(tissue.contours()) == 2
    assert (drawn.astype(bool) == tissue.mask).all()


def test_no_tissue_has_no_contour() -> None:
    assert tissue_of(paint()).contours() == []


def test_area_is_in_square_microns() -> None:
    mask = np.zeros((10, 10), bool)
    mask[:5, :4] = True
    assert TissueMask(mask, (32.0, 32.0), 8.0, 20.0).area_um2 == 20 * 64


@pytest.mark.parametrize(
    ("name", "left"),
    [("pen_black", 0.05), ("pen_green", 0.02), ("pen_red", 0.08), ("coverslip_edge", 0.12)],
)
def test_hardly_any_real_pen_is_left(shared: Path, name: str, left: float) -> None:
    folder = shared / "data" / "slides" / "qc"
    pixels = cv2.cvtColor(cv2.imread(str(folder / f"{name}.png")), cv2.COLOR_BGR2RGB)
    pen = cv2.imread(str(folder / f"{name}_mask.png"), cv2.IMREAD_GRAYSCALE) > 127
    assert tissue_of(pixels).mask[pen].mean() < left


@pytest.mark.parametrize("name", ["lung_aca", "lung_n", "lung_scc"])
def test_real_lung_tissue_is_not_taken_for_ink(shared: Path, name: str) -> None:
    files = sorted((shared / "data" / "tiles" / "lc25000" / name).iterdir())[::25]
    tiles = [cv2.resize(cv2.imread(str(f)), (28, 28), interpolation=cv2.INTER_AREA) for f in files]
    pixels = cv2.cvtColor(np.hstack(tiles), cv2.COLOR_BGR2RGB)
    kept = tissue_of(pixels, config=TissueConfig()).mask
    all_kept = tissue_of(pixels, config=TissueConfig(drop_pen=False)).mask
    assert kept.sum() > 0.99 * all_kept.sum()


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        # By eye, on overlays; the two crops hold nothing but tissue.
        ("CMU-1-Small-Region.svs", 0.3, 0.42),
        ("tcga-cr-7395-01a-01-ts1.svs", 0.58, 0.68),
        ("wholeslidepacker_example.tif", 0.15, 0.22),
        ("monusac_A9K0_1.svs", 0.95, 1.0),
        ("monusac_A9K0_2.svs", 0.95, 1.0),
    ],
)
def test_real_slides_have_the_tissue_that_one_sees(
    shared: Path, name: str, low: float, high: float
) -> None:
    with open_slide(shared / "data" / "slides" / name) as slide:
        mpp = slide.header.header_mpp[0] or 0.25
        assert low <= find_tissue(read_overview(slide, mpp, 8.0), CONFIG).share <= high


def test_two_files_of_one_scan_show_the_same_tissue(shared: Path) -> None:
    # Otsu alone puts the threshold at 16 in one and at 44 in the other.
    folder = shared / "data" / "slides"
    masks = []
    for name in ("CMU-1-Small-Region.svs", "dicom/cmu-1-small-region"):
        with open_slide(folder / name) as slide:
            masks.append(find_tissue(read_overview(slide, 0.499, 8.0), CONFIG).mask)
    assert (masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum() > 0.97


REAL = ("CMU-1-Small-Region.svs", "tcga-cr-7395-01a-01-ts1.svs", "wholeslidepacker_example.tif")


def turned(pixels: np.ndarray, hue: int) -> np.ndarray:
    """The picture with all hues shifted: another stain of the same tissue."""
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(int) + hue) % 180
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


@pytest.mark.parametrize("hue", [-80, -60, -45])
@pytest.mark.parametrize(
    "name",
    ["CMU-1-Small-Region.svs", "tcga-cr-7395-01a-01-ts1.svs", "wholeslidepacker_example.tif"],
)
def test_a_green_or_blue_stain_is_not_ink(shared: Path, name: str, hue: int) -> None:
    with open_slide(shared / "data" / "slides" / name) as slide:
        seen = read_overview(slide, slide.header.header_mpp[0] or 0.25, 8.0)
    for stain, lost in (("he", 0.02), ("other", 0.02)):
        overview = replace(seen, pixels=turned(seen.pixels, hue))
        kept = find_tissue(overview, TissueConfig(stain=stain)).mask
        all_kept = find_tissue(overview, TissueConfig(drop_pen=False)).mask
        assert kept.sum() > (1 - lost) * all_kept.sum()


@pytest.mark.parametrize("hue", [-80, -60, -45, -30])
@pytest.mark.parametrize("width", [6, 24])
@pytest.mark.parametrize("mpp", [4.0, 8.0])
def test_pen_on_a_blue_stain_is_still_ink(hue: int, width: int, mpp: float) -> None:
    side = round(1024 * 0.25 / mpp)
    tissue = cv2.resize(he_texture(1), (side, side), interpolation=cv2.INTER_AREA)
    times = 200 // side + 1
    pixels = paint()
    pixels[60:260, 150:350] = turned(np.tile(tissue, (times, times, 1))[:200, :200], hue)
    cv2.line(pixels, (40, 20), (40, 280), (30, 90, 190), width)
    found = tissue_of(pixels).mask
    assert not found[:, :80].any()
    assert found[80:240, 170:330].mean() > 0.9


def test_the_stain_is_in_the_fingerprint_only_where_it_is_another() -> None:
    digests = {stain: EncoderConfig(tissue=TissueConfig(stain=stain)).digest()
               for stain in ("he", "ihc", "other")}  # fmt: skip
    assert digests["he"] == EncoderConfig().digest()
    assert len(set(digests.values())) == 3
