"""An encoder with random weights, and small slides to give it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from msfusion_sdk import EncoderConfig, SlideEncoder
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.encoder.weights.encoder_folder import write_model_folder


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Leave the other cores to other tests: threads that wait for each other are slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def random_model(config: EncoderConfig) -> TwoScaleModel:
    """Return networks whose scores differ between images, as those of trained ones do."""
    generator = torch.Generator().manual_seed(0)
    model = TwoScaleModel(config).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "attention" in name:
                value.copy_(2 * torch.randn(value.shape, generator=generator))
            elif value.ndim > 1:
                spread = (2 / value[0].numel()) ** 0.5
                value.copy_(spread * torch.randn(value.shape, generator=generator))
            # Exact in half precision, so that the file is half as large.
            value.copy_(value.half())
    return model


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    config = EncoderConfig(name="random")
    write_model_folder(folder, random_model(config), config, "# Random weights\n")
    return folder


@pytest.fixture(scope="session")
def random_encoder(model_folder: Path) -> SlideEncoder:
    return SlideEncoder.from_pretrained(model_folder, device="cpu", precision="fp32")


@pytest.fixture(scope="session")
def small_encoder(random_encoder: SlideEncoder) -> SlideEncoder:
    """Patches of 128 px, a stored tile apart: one damaged stored tile is one bad patch."""
    small = {"patch_size_px": 128, "stride_px": 256, "low_recall": 0.0}
    return random_encoder.with_config(random_encoder.config.updated(patches=small))
