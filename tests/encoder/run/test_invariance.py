"""The vector depends on the slide, the weights and the settings, and on nothing else."""

import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import torch

from msfusion_sdk import SlideEmbedding, SlideEncoder

from ...patience import patient

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def reference(small_encoder: SlideEncoder, made_slide: Path) -> SlideEmbedding:
    return small_encoder.encode(made_slide, batch_size=1, threads=0)


def assert_equal_vectors(found: SlideEmbedding, wanted: SlideEmbedding) -> None:
    assert np.abs(found.vector - wanted.vector).max() <= 1e-5 * np.abs(wanted.vector).max()


def encode_elsewhere(encoder: SlideEncoder, path: Path, method: str) -> SlideEmbedding:
    """Encode in another process; fail, and do not wait, when it hangs."""
    with multiprocessing.get_context(method).Pool(1) as pool:
        return pool.apply_async(encoder.encode, (path,)).get(timeout=patient(300))


@pytest.mark.parametrize("batch_size", [1, 3, 64])
@pytest.mark.parametrize("threads", [0, 2])
def test_batches_and_reading_threads_do_not_change_the_vector(
    small_encoder: SlideEncoder,
    made_slide: Path,
    reference: SlideEmbedding,
    batch_size: int,
    threads: int,
) -> None:
    found = small_encoder.encode(made_slide, batch_size=batch_size, threads=threads)
    assert_equal_vectors(found, reference)


@pytest.mark.process
def test_a_spawned_process_gives_the_same_vector(
    small_encoder: SlideEncoder, made_slide: Path, reference: SlideEmbedding
) -> None:
    assert_equal_vectors(encode_elsewhere(small_encoder, made_slide, "spawn"), reference)


@pytest.mark.process
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_does_not_hang_and_gives_the_same_vector(
    small_encoder: SlideEncoder, made_slide: Path, reference: SlideEmbedding
) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        # The pool of threads that this starts is what a forked process lacks.
        small_encoder.encode(made_slide)
        found = encode_elsewhere(small_encoder, made_slide, "fork")
    finally:
        torch.set_num_threads(before)
    assert_equal_vectors(found, reference)


def test_bf16_points_in_the_direction_of_fp32(
    small_encoder: SlideEncoder, model_folder: Path, made_slide: Path, reference: SlideEmbedding
) -> None:
    half = SlideEncoder.from_pretrained(model_folder, device="cpu", precision="bf16")
    found = half.with_config(small_encoder.config).encode(made_slide).vector
    wanted = reference.vector
    assert found @ wanted >= 0.999 * np.linalg.norm(found) * np.linalg.norm(wanted)


def test_the_same_slide_twice_gives_the_same_bytes(
    small_encoder: SlideEncoder, made_slide: Path
) -> None:
    first, second = (small_encoder.encode(made_slide) for _ in range(2))
    assert first.vector.tobytes() == second.vector.tobytes()
    assert first.patches.equals(second.patches)
