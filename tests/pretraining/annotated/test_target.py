"""Which slide the others are coloured like."""

from pathlib import Path

import pytest

from msfusion_sdk.config import EncoderConfig
from msfusion_sdk.errors import StainError, TableError
from msfusion_sdk.pretraining.annotated.listing import AnnotatedSlide
from msfusion_sdk.pretraining.annotated.target import most_typical, target_profile
from msfusion_sdk.slides.stain import StainProfile


def profile(strength: float) -> StainProfile:
    basis = ((0.65, 0.70, 0.29), (0.07, 0.99, 0.11))
    unit = tuple(tuple(v / sum(w * w for w in row) ** 0.5 for v in row) for row in basis)
    return StainProfile.model_validate(
        {"method": "macenko", "basis": unit, "strength": (strength, strength)}
    )


def entry(path: Path, slide_id: str = "s") -> AnnotatedSlide:
    return AnnotatedSlide(slide_id, "p", path, None, None, None)


def test_the_most_typical_slide_is_nearest_to_all_others() -> None:
    # Along one line the nearest to all others is the median.
    strengths = {"a": 0.5, "b": 0.9, "c": 1.0, "d": 1.1, "e": 9.0}
    assert most_typical({name: profile(s) for name, s in strengths.items()}) == "c"


def test_the_slide_that_was_named_is_used(outlined_slides: Path) -> None:
    slides = [entry(outlined_slides / f"s{n}.svs", f"s{n}") for n in range(2)]
    chosen, found = target_profile(slides, EncoderConfig(), "macenko", named="s1")
    again, alone = target_profile(slides[1:], EncoderConfig(), "macenko")
    assert (chosen, found) == (again, alone)
    assert chosen == "s1"


def test_a_target_outside_the_training_slides_is_refused(outlined_slides: Path) -> None:
    with pytest.raises(TableError, match="not among the slides of the training patients"):
        target_profile([entry(outlined_slides / "s0.svs")], EncoderConfig(), "macenko", named="x")


def test_without_any_stained_slide_the_way_out_is_named(blank_slide: Path) -> None:
    with pytest.raises(StainError, match="Train without colour normalisation"):
        target_profile([entry(blank_slide)], EncoderConfig(), "macenko")
