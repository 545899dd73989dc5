"""A model in a folder, and the one in the package, need no network."""

import socket
from pathlib import Path
from typing import NoReturn

import pytest

from msfusion_sdk import EncoderConfig, SlideEncoder
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.encoder.weights.encoder_folder import write_model_folder
from msfusion_sdk.encoder.weights.hub import DEFAULT_MODEL, embedded_models

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        pytest.fail("the network was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


def test_a_folder_loads_without_network(tmp_path: Path) -> None:
    config = EncoderConfig(name="from a folder")
    write_model_folder(tmp_path, TwoScaleModel(config), config, "")
    assert SlideEncoder.from_pretrained(tmp_path, device="cpu").config == config


@pytest.mark.skipif(
    DEFAULT_MODEL not in embedded_models(), reason=f"{DEFAULT_MODEL} is not in this source tree"
)
def test_the_embedded_model_loads_without_network() -> None:
    assert SlideEncoder.from_pretrained(device="cpu").config.name == DEFAULT_MODEL
