"""Networks as files of operations, ONNX or OpenVINO IR, run by OpenVINO on the CPU."""

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from msfusion_sdk.config import NetworkFacts
from msfusion_sdk.encoder.backends.compiled import CompiledNetwork
from msfusion_sdk.encoder.backends.quiet_openvino import import_openvino
from msfusion_sdk.encoder.kinds.tokens import maps_of_answer
from msfusion_sdk.encoder.networks.contract import FeatureMaps
from msfusion_sdk.errors import NetworkFactsError, WeightsCorruptError
from msfusion_sdk.extras import missing_extra

__all__ = ["SUFFIXES", "open_program", "program_sha256"]

SUFFIXES = (".onnx", ".xml")


def program_sha256(path: Path) -> str:
    """Return the SHA-256 over a program and the files of weights beside it, by name.

    Raises
    ------
    WeightsCorruptError
        When it is not there, or an IR lacks its weights.
    """
    if not path.is_file() or (path.suffix == ".xml" and not path.with_suffix(".bin").is_file()):
        missing = path if not path.is_file() else path.with_suffix(".bin")
        msg = f"{missing} is not there. An IR is two files, .xml and .bin; copy both."
        raise WeightsCorruptError(msg)
    beside = [
        other
        for other in sorted(path.parent.iterdir())
        if other != path
        # ONNX keeps large weights beside itself, in files whose names begin with its own.
        and (other.name.startswith(f"{path.name}") or other == path.with_suffix(".bin"))
        and other.suffix != ".onnx"
    ]
    digest = hashlib.sha256()
    for part in [path, *beside]:
        with part.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def open_program(path: Path, facts: NetworkFacts) -> CompiledNetwork:
    """Return a network that OpenVINO runs.

    Raises
    ------
    WeightsCorruptError
        When the file is damaged.
    NetworkFactsError
        When it takes something else than a batch of RGB images.
    MissingExtraError
        Without OpenVINO.
    """
    model = _read(path)
    if len(model.inputs) != 1 or len(model.inputs[0].partial_shape) != 4:
        shapes = [str(entry.partial_shape) for entry in model.inputs]
        msg = f"{path.name} takes {shapes}, and is given a batch of images (image, 3, edge, edge)."
        raise NetworkFactsError(msg)
    # Read once here, so that a damaged file is an error now and not with the first slide.
    return CompiledNetwork(facts, partial(_read, path), partial(_maps, facts))


def _maps(facts: NetworkFacts, outputs: list[Tensor]) -> FeatureMaps:
    # Of several outputs the one with places, and the vector beside it where there is one.
    largest = max(outputs, key=lambda output: output.ndim)
    maps = maps_of_answer(largest, facts.image_px, facts.multiple_px)
    vectors = [output for output in outputs if output.ndim == 2]
    return FeatureMaps(maps.map, vectors[0]) if vectors and maps.map is not None else maps


def _read(path: Path) -> Any:
    try:
        openvino = import_openvino()
    except ImportError as error:
        name, otherwise = "openvino", "give the network as a torch module"
        raise missing_extra(name, name, "A network in a file", otherwise) from error
    try:
        return openvino.Core().read_model(path)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        msg = f"{path} is damaged, or no ONNX or IR that OpenVINO reads ({reason})."
        raise WeightsCorruptError(msg) from error
