"""Every back end says what the torch network says in fp32, the reference of all of them."""

import importlib.util
import multiprocessing
import pickle
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from msfusion_sdk import SlideEmbedding, SlideEncoder
from msfusion_sdk.encoder.backends.devices import Runtime, choose_runtime
from msfusion_sdk.errors import MissingExtraError

from ...patience import patient

pytestmark = pytest.mark.slow

HAS_BF16 = choose_runtime("cpu").precision == "bf16"
TORCH, OPENVINO = Runtime("cpu", "bf16"), Runtime("cpu", "bf16", "openvino")
OPENVINO_FP32 = Runtime("cpu", "fp32", "openvino")


@pytest.fixture(autouse=True)
def _needs_openvino() -> None:
    pytest.importorskip("openvino")


def computing(encoder: SlideEncoder, runtime: Runtime) -> SlideEncoder:
    return SlideEncoder(encoder.model, encoder.config, runtime, weights_sha256="0" * 64)


def column(result: SlideEmbedding, name: str) -> NDArray[np.float32]:
    values = result.patches.column(name).combine_chunks()
    flat = values.flatten() if hasattr(values, "flatten") else values
    return flat.to_numpy(zero_copy_only=False).reshape(result.patches.num_rows, -1)


def centred_cosines(first: SlideEmbedding, second: SlideEmbedding) -> NDArray[np.float32]:
    mean = column(first, "vector").mean(0)
    a, b = column(first, "vector") - mean, column(second, "vector") - mean
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def ranks(values: NDArray[np.float32]) -> NDArray[np.intp]:
    return values.ravel().argsort().argsort()


@pytest.fixture(scope="module")
def reference(small_encoder: SlideEncoder, made_slide: Path) -> SlideEmbedding:
    return small_encoder.encode(made_slide)


@pytest.mark.parametrize("name", ["vector", "context_score", "tile_scores", "weight"])
def test_openvino_in_fp32_gives_the_numbers_of_torch(
    small_encoder: SlideEncoder, made_slide: Path, reference: SlideEmbedding, name: str
) -> None:
    found = computing(small_encoder, OPENVINO_FP32).encode(made_slide)
    wanted = column(reference, name)
    assert np.abs(column(found, name) - wanted).max() <= 1e-5 * np.abs(wanted).max()


@pytest.fixture(scope="module")
def tissue(real_slide: Path) -> tuple[SlideEncoder, SlideEmbedding]:
    """The model inside the package on real tissue: patches that overlap, to have enough of them."""
    encoder = SlideEncoder.from_pretrained(device="cpu", precision="fp32")
    many = {"patch_size_px": 384, "stride_px": 512}
    encoder = encoder.with_config(encoder.config.updated(patches=many))
    return encoder, encoder.encode(real_slide)


@pytest.mark.skipif(not HAS_BF16, reason="this processor does not compute in bf16")
@pytest.mark.parametrize("runtime", [TORCH, OPENVINO], ids=lambda runtime: runtime.backend)
def test_bf16_keeps_vectors_and_the_order_of_patches(
    tissue: tuple[SlideEncoder, SlideEmbedding], real_slide: Path, runtime: Runtime
) -> None:
    encoder, wanted = tissue
    found = computing(encoder, runtime).encode(real_slide)
    norms = np.linalg.norm(found.vector) * np.linalg.norm(wanted.vector)
    assert found.vector @ wanted.vector >= 0.9999 * norms
    assert centred_cosines(wanted, found).min() >= 0.995
    order = [ranks(column(result, "weight")) for result in (wanted, found)]
    assert np.corrcoef(*order)[0, 1] >= 0.99


@pytest.mark.parametrize("runtime", [TORCH, OPENVINO_FP32], ids=lambda runtime: runtime.backend)
def test_weights_that_were_changed_in_place_are_used(
    model_folder: Path, small_encoder: SlideEncoder, made_slide: Path, runtime: Runtime
) -> None:
    own = SlideEncoder.from_pretrained(model_folder, device="cpu", precision="fp32")
    encoder = computing(own.with_config(small_encoder.config), runtime)
    before = encoder.encode(made_slide).vector
    encoder.model.context.features.stem[0].weight.data[0] *= 5
    assert not np.array_equal(encoder.encode(made_slide).vector, before)


def test_an_encoder_that_has_computed_can_be_pickled(
    small_encoder: SlideEncoder, made_slide: Path
) -> None:
    encoder = computing(small_encoder, OPENVINO_FP32)
    wanted = encoder.encode(made_slide).vector
    copy = pickle.loads(pickle.dumps(encoder))
    assert np.array_equal(copy.encode(made_slide).vector, wanted)


@pytest.mark.process
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_another_process_computes_the_same_and_does_not_hang(
    small_encoder: SlideEncoder, made_slide: Path, method: str
) -> None:
    encoder = computing(small_encoder, OPENVINO_FP32)
    wanted = encoder.encode(made_slide).vector
    with multiprocessing.get_context(method).Pool(1) as pool:
        found = pool.apply_async(encoder.encode, (made_slide,)).get(timeout=patient(300))
    assert np.array_equal(found.vector, wanted)


def test_provenance_names_the_back_end_and_its_version(
    small_encoder: SlideEncoder, made_slide: Path, reference: SlideEmbedding
) -> None:
    facts = computing(small_encoder, OPENVINO_FP32).encode(made_slide).provenance.runtime
    assert (facts.backend, facts.precision) == ("openvino", "fp32")
    assert facts.versions["openvino"].startswith("20")
    assert reference.provenance.runtime.backend == "torch"


@pytest.mark.parametrize(
    ("precision", "has_bf16", "wanted"),
    [
        ("auto", True, Runtime("cpu", "bf16", "openvino")),
        ("bf16", True, Runtime("cpu", "bf16", "openvino")),
        ("auto", False, Runtime("cpu", "fp32", "openvino")),
        ("bf16", False, Runtime("cpu", "bf16", "torch")),
        ("fp32", True, Runtime("cpu", "fp32", "torch")),
    ],
)
def test_openvino_is_taken_for_speed_and_torch_for_reference(
    monkeypatch: pytest.MonkeyPatch, precision: str, has_bf16: bool, wanted: Runtime
) -> None:
    capabilities = {"avx512_bf16": has_bf16}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert choose_runtime("cpu", precision) == wanted


@pytest.mark.parametrize("machine", ["x86_64", "arm64"])
def test_torch_computes_where_openvino_does_not_help(
    monkeypatch: pytest.MonkeyPatch, machine: str
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    if machine == "x86_64":
        monkeypatch.setattr("msfusion_sdk.encoder.backends.devices.find_spec", lambda name: None)
    assert choose_runtime("cpu").backend == "torch"


def test_an_encoder_sent_to_where_openvino_is_not_installed_names_the_command(
    small_encoder: SlideEncoder, made_slide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "msfusion_sdk.encoder.backends.choosing.find_spec",
        lambda name: None if name == "openvino" else found(name),
    )
    with pytest.raises(MissingExtraError, match=r'pip install "msfusion-sdk\[openvino\]"'):
        computing(small_encoder, OPENVINO_FP32).encode(made_slide)


@pytest.mark.posix
@pytest.mark.process
def test_a_signal_is_handled_after_encoders_have_come_and_gone(small_model: Path) -> None:
    """In the order in which they came: each must not put back what the one before had set up."""
    program = f"""
import gc, os, signal, torch
from msfusion_sdk import SlideEncoder
from msfusion_sdk.encoder.backends.devices import Runtime
def computed():
    encoder = SlideEncoder.from_pretrained({str(small_model)!r}, device="cpu", precision="fp32")
    runtime = Runtime("cpu", "fp32", "openvino")
    encoder = SlideEncoder(encoder.model, encoder.config, runtime, weights_sha256="0" * 64)
    encoder.backend().features(torch.zeros(1, 3, 128, 128, dtype=torch.uint8))
    return encoder
signal.signal(signal.SIGTERM, lambda *_: print("handled"))
first, second = computed(), computed()
del first
gc.collect()
del second
gc.collect()
os.kill(os.getpid(), signal.SIGTERM)
print("alive")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "handled\nalive\n"), done.stderr
