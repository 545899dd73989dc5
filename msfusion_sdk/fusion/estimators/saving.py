"""A fitted estimator as a folder: ``config.json`` and ``model.safetensors``, and no pickle."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save
from sklearn.base import clone

from msfusion_sdk.adapter import ModalityAdapter
from msfusion_sdk.errors import MsfusionError, WeightsCorruptError
from msfusion_sdk.fusion.estimators.fitted import FittedFusion, new_fuser
from msfusion_sdk.fusion.inputs.inputs import AdapterChoice
from msfusion_sdk.fusion.strategies.fuser import Arrays, under
from msfusion_sdk.fusion.strategies.strategies import Base, Strategy
from msfusion_sdk.registry import load_adapter
from msfusion_sdk.storage.model_folder import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    read_model_config,
    read_weights,
    write_model,
)

__all__ = ["load_estimator", "save_estimator"]


class FusionEstimator(Protocol):
    """What both estimators have in common."""

    fusion: Strategy
    base: Base
    random_state: int

    def __init__(
        self,
        *,
        fusion: Strategy,
        base: Base,
        adapters: AdapterChoice | None,
        random_state: int,
    ) -> None: ...


Kind = TypeVar("Kind", bound=FusionEstimator)


def save_estimator(
    folder: Path,
    estimator: FusionEstimator,
    fitted: FittedFusion,
    arrays: Mapping[str, NDArray[Any]],
    learned: Mapping[str, Any],
) -> Path:
    """Write the folder, over the model in it if there is one, and return it.

    Parameters
    ----------
    arrays, learned
        What the estimator knows beside ``fitted``: arrays, and plain JSON.

    Raises
    ------
    StoreError
        When the folder cannot be written.
    TypeError
        When a setting of an adapter is not plain JSON.
    """
    tensors: Arrays = {f"estimator/{name}": value for name, value in arrays.items()}
    tensors.update({f"fuser/{name}": value for name, value in fitted.fuser.arrays().items()})
    tables = {}
    for name, adapter in fitted.adapters.items():
        state = adapter.state()
        tensors.update({f"adapter/{name}/{key}": value for key, value in state.arrays.items()})
        tables[name] = {
            "adapter": adapter.modality,
            "params": adapter.get_params(deep=False),
            "learned": state.learned,
            "features": fitted.features[name],
        }
    # safetensors writes memory as it lies: of a transposed array that is another order.
    weights = save({name: np.ascontiguousarray(value) for name, value in tensors.items()})
    config = {
        "params": {
            "fusion": estimator.fusion,
            "base": estimator.base,
            "random_state": estimator.random_state,
        },
        "tables": tables,
        "learned": dict(learned),
    }
    # What is no JSON shall stop it before the folder is made.
    plain = json.loads(json.dumps(config, default=_plain))
    write_model(folder, type(estimator).__name__, weights, plain)
    return folder


def load_estimator(
    kind: type[Kind], folder: Path, choice: AdapterChoice | None
) -> tuple[Kind, FittedFusion, Arrays, dict[str, Any]]:
    """Return an estimator with its settings, and what it had learned (see ``save_estimator``).

    Raises
    ------
    ModelIdError
        When the folder holds no estimator.
    WeightsCorruptError
        When the weights are not those that were saved, or the configuration describes nothing.
    WeightsMismatchError
        When it is another estimator, or of a newer format.
    PluginError
        When an adapter is not registered here and ``choice`` does not give it.
    """
    config = read_model_config(folder, kind.__name__)
    arrays = _read_arrays(folder / WEIGHTS_FILE, read_weights(folder, config["weights_sha256"]))
    try:
        return _restored(kind, config, arrays, choice)
    except MsfusionError:
        raise
    # Adapters are anybody's, and each checks in its own way what it is given.
    except Exception as error:
        why = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        msg = (
            f"{folder / CONFIG_FILE} says what no {kind.__name__} is made of ({why[:200]}). Copy "
            "the model folder again, or train it anew."
        )
        raise WeightsCorruptError(msg) from error


def _restored(
    kind: type[Kind], config: Mapping[str, Any], arrays: Arrays, choice: AdapterChoice | None
) -> tuple[Kind, FittedFusion, Arrays, dict[str, Any]]:
    adapters: dict[str, ModalityAdapter] = {}
    for name, table in config["tables"].items():
        adapter = _new_adapter(table, (choice or {}).get(name))
        adapters[name] = adapter.load_state(table["learned"], under(arrays, f"adapter/{name}/"))
    params = config["params"]
    fuser = new_fuser(params["fusion"], params["base"], adapters, params["random_state"])
    features = {name: table["features"] for name, table in config["tables"].items()}
    fitted = FittedFusion(adapters, features, fuser.load(under(arrays, "fuser/")))
    # What a constructor is given stays unfitted, as scikit-learn's ``clone`` expects.
    unfitted = {name: clone(adapter) for name, adapter in adapters.items()}
    estimator = kind(**params, adapters=unfitted)
    return estimator, fitted, under(arrays, "estimator/"), config["learned"]


def _new_adapter(table: Mapping[str, Any], given: str | ModalityAdapter | None) -> ModalityAdapter:
    if isinstance(given, ModalityAdapter):
        adapter: ModalityAdapter = clone(given)
        return adapter
    return load_adapter(given or table["adapter"])(**table["params"])


def _read_arrays(path: Path, data: bytes) -> Arrays:
    try:
        arrays: Arrays = load(data)
    except SafetensorError as error:
        msg = f"{path} is not a valid safetensors file ({error}). Copy the model folder again."
        raise WeightsCorruptError(msg) from error
    return arrays


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.generic):
        return value.item()
    msg = (
        f"An adapter has a setting of type {type(value).__name__}, which JSON cannot hold, so the "
        "model cannot be saved. Use text, numbers, lists and mappings as settings."
    )
    raise TypeError(msg)
