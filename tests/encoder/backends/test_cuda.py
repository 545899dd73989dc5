"""The networks on a GPU: the same vectors, and readers that keep up."""

from pathlib import Path

import numpy as np
import pytest
import torch

from msfusion_sdk.encoder.slide_encoder import SlideEncoder

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


@pytest.fixture(scope="module")
def reference(small_slide: Path, embedded_model: Path) -> np.ndarray:
    encoder = SlideEncoder.from_pretrained(embedded_model, device="cpu", precision="fp32")
    return np.asarray(encoder.encode(small_slide))


def test_fp32_is_the_cpu_vector(
    small_slide: Path, embedded_model: Path, reference: np.ndarray
) -> None:
    encoder = SlideEncoder.from_pretrained(embedded_model, device="cuda", precision="fp32")
    assert np.asarray(encoder.encode(small_slide)) == pytest.approx(reference, abs=1e-4)


def test_bf16_points_the_same_way(
    small_slide: Path, embedded_model: Path, reference: np.ndarray
) -> None:
    encoder = SlideEncoder.from_pretrained(embedded_model, device="cuda", precision="bf16")
    vector = np.asarray(encoder.encode(small_slide))
    lengths = np.linalg.norm(vector) * np.linalg.norm(reference)
    assert vector @ reference / lengths > 0.9999


def test_the_number_of_readers_changes_nothing(small_slide: Path, embedded_model: Path) -> None:
    encoder = SlideEncoder.from_pretrained(embedded_model, device="cuda", precision="fp32")
    assert encoder.runtime.reading_threads == torch.get_num_threads()
    alone = np.asarray(encoder.encode(small_slide, threads=0))
    assert np.asarray(encoder.encode(small_slide)) == pytest.approx(alone, abs=1e-5)
