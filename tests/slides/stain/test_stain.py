"""Stains found in made mixtures whose truth is known, and in real slides."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import nnls

from msfusion_sdk.config import EncoderConfig, StainMethod
from msfusion_sdk.errors import StainError
from msfusion_sdk.slides import open_slide
from msfusion_sdk.slides.stain import (
    StainNormalizer,
    concentrations,
    find_profile,
    optical_density,
    slide_profile,
)
from msfusion_sdk.slides.tissue.survey import survey_slide

pytestmark = pytest.mark.slow

METHODS = ["vahadane", "macenko"]
# Ruifrok and Johnston (2001), as published.
HAEMATOXYLIN, EOSIN, DAB = (0.65, 0.70, 0.29), (0.07, 0.99, 0.11), (0.27, 0.57, 0.78)
BASES = [
    (HAEMATOXYLIN, EOSIN),
    ((0.56, 0.72, 0.41), (0.22, 0.93, 0.30)),
    ((0.71, 0.65, 0.27), (0.15, 0.90, 0.41)),
]


def unit(basis: object) -> NDArray[np.float64]:
    rows = np.asarray(basis, float)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def mixture(basis: object, *, gains: object = 1.0, seed: int = 0) -> NDArray[np.uint8]:
    """Tissue of 200 x 200 pixels: nuclei, cytoplasm, and both in many shares."""
    rng = np.random.default_rng(seed)
    amounts = rng.gamma(1.2, 0.45, (40_000, 2)) * rng.choice([0.05, 1.0], (40_000, 2), p=[0.3, 0.7])
    density = amounts @ unit(basis) * gains + rng.normal(0, 0.01, (40_000, 3))
    return np.clip(np.rint(255 * np.exp(-density)), 0, 255).astype(np.uint8).reshape(200, 200, 3)


def angles(found: object, truth: object) -> NDArray[np.float64]:
    cosine = (unit(found) * unit(truth)).sum(1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("basis", BASES)
def test_the_stains_of_a_mixture_are_found_within_five_degrees(
    basis: object, method: StainMethod
) -> None:
    assert angles(find_profile(mixture(basis), method=method).basis, basis).max() < 5


def test_amounts_are_those_of_non_negative_least_squares() -> None:
    rng = np.random.default_rng(0)
    density = rng.uniform(0, 2, (300, 3)).astype(np.float32)
    basis = unit(BASES[1]).astype(np.float32)
    found = concentrations(density, basis)
    wanted = [nnls(basis.T, row)[0] for row in density]
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_a_normalised_pixel_is_its_amounts_in_the_colours_of_the_target() -> None:
    source = find_profile(mixture(BASES[1]))
    target = find_profile(mixture(BASES[2], seed=1))
    patch = mixture(BASES[1], seed=2)[:20, :20]
    density = -np.log(np.maximum(patch, 1) / 255.0).reshape(-1, 3)
    amounts = np.array([nnls(np.array(source.basis).T, row)[0] for row in density])
    amounts *= np.array(target.strength) / np.array(source.strength)
    wanted = 255 * np.exp(-amounts @ np.array(target.basis)).reshape(patch.shape)
    found = StainNormalizer(target=target).transform(patch, source)
    assert np.abs(found - wanted).max() <= 1


@pytest.mark.parametrize("method", METHODS)
def test_darker_stays_darker(method: StainMethod) -> None:
    normalizer = StainNormalizer.fit(mixture(BASES[0]), method=method)
    source = normalizer.profile_of(mixture(BASES[2], seed=1))
    amounts = np.linspace(0, 2, 50)[:, None]
    for stain in np.array(source.basis):
        ramp = np.rint(255 * np.exp(-amounts * stain)).astype(np.uint8)[None]
        shown = normalizer.transform(ramp, source).astype(int).sum(2)[0]
        assert (np.diff(shown) <= 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_slides_that_differ_by_stain_gains_come_to_look_alike(method: StainMethod) -> None:
    rng = np.random.default_rng(3)
    slides = [mixture(BASES[0], gains=rng.uniform(0.75, 1.25, 3), seed=i) for i in range(8)]
    normalizer = StainNormalizer.fit(mixture(BASES[0], seed=99), method=method)
    shown = [normalizer.transform(s, normalizer.profile_of(s)) for s in slides]
    before, after = (
        np.std([optical_density(s).mean((0, 1)) for s in group], axis=0).mean()
        for group in (slides, shown)
    )
    assert after < 0.3 * before


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.full((200, 200, 3), 245, np.uint8), "pixels of tissue"),
        (mixture(BASES[0])[..., [1, 1, 1]], "apart|unexplained|published|weaker"),
        (mixture((HAEMATOXYLIN, DAB)), "published|unexplained"),
        (255 - mixture(BASES[0]), "published|unexplained|apart|weaker"),
    ],
    ids=["glass", "grey", "DAB", "inverted"],
)
def test_what_is_not_haematoxylin_and_eosin_is_refused(
    pixels: NDArray[np.uint8], message: str, method: StainMethod
) -> None:
    with pytest.raises(StainError, match=message):
        find_profile(pixels, method=method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("name", "mpp"),
    [
        ("CMU-1-Small-Region.svs", None),
        ("tcga-cr-7395-01a-01-ts1.svs", 0.25),
        ("monusac_A9K0_1.svs", None),
        ("monusac_A9K0_2.svs", None),
    ],
)
def test_real_slides_are_accepted_and_always_give_the_same_stains(
    shared: Path, name: str, mpp: float | None, method: StainMethod
) -> None:
    with open_slide(shared / "data/slides" / name, mpp=mpp) as slide:
        survey = survey_slide(slide, EncoderConfig())
        found = [slide_profile(slide, survey, method=method) for _ in range(2)]
    assert found[0] == found[1]
    assert angles(found[0].basis, (HAEMATOXYLIN, EOSIN)).max() < 32
