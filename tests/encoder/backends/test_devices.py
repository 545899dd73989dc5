import pytest
import torch

from msfusion_sdk.encoder.backends.devices import Runtime, choose_runtime
from msfusion_sdk.errors import DeviceError


@pytest.mark.parametrize(
    "device", ["gpu", "", "cuda:", "cuda:x", "cuda:-1", "cpu:1", "CPU", "cpu\n"]
)
def test_unknown_devices_are_refused(device: str) -> None:
    with pytest.raises(ValueError, match="known: auto, cpu, cuda, cuda:N, mps"):
        choose_runtime(device)


def test_unknown_precisions_are_refused() -> None:
    with pytest.raises(ValueError, match="known: auto, fp32, bf16"):
        choose_runtime("cpu", "fp16")


def test_a_gpu_that_is_not_there_is_an_error_and_not_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(DeviceError, match=r"'cuda:1' was asked for, and this machine has 1.*--dev"):
        choose_runtime("cuda:1")


def test_auto_takes_the_gpu_when_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert choose_runtime("auto", "fp32") == Runtime("cuda:0", "fp32")


def test_auto_takes_the_cpu_when_there_is_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_runtime("auto", "fp32") == Runtime("cpu", "fp32")


@pytest.mark.parametrize(("has_bf16", "precision"), [(True, "bf16"), (False, "fp32")])
def test_auto_precision_is_what_the_processor_computes_in(
    monkeypatch: pytest.MonkeyPatch, has_bf16: bool, precision: str
) -> None:
    capabilities = {"avx512_bf16": has_bf16}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert choose_runtime("cpu", "auto").precision == precision


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)]
)
def test_the_networks_compute_in_the_precision_of_the_runtime(
    precision: str, dtype: torch.dtype
) -> None:
    with Runtime("cpu", precision).autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is dtype


def test_fp32_is_not_rounded_to_tf32_and_the_callers_choice_comes_back() -> None:
    before = torch.backends.cudnn.allow_tf32
    with Runtime("cpu", "fp32").autocast():
        assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.allow_tf32 == before
