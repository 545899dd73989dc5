"""Make the back end that a runtime names."""

from importlib.util import find_spec

from msfusion_sdk.encoder.backends.base import Backend
from msfusion_sdk.encoder.backends.devices import Runtime
from msfusion_sdk.encoder.backends.with_torch import TorchBackend
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.extras import missing_extra

__all__ = ["make_backend"]


def make_backend(model: TwoScaleModel, runtime: Runtime) -> Backend:
    """Return the networks, ready to compute.

    Raises
    ------
    MissingExtraError
        When the runtime was chosen where OpenVINO is installed, and it is not here.
    """
    if runtime.backend == "torch":
        return TorchBackend(model, runtime)
    if find_spec("openvino") is None:
        purpose = "The encoder, which was made where OpenVINO is installed,"
        name, otherwise = "openvino", "take torch with encoder.on_device('cpu')"
        raise missing_extra(name, name, purpose, otherwise)
    # Imported late: both modules need OpenVINO.
    if model.attended():
        from msfusion_sdk.encoder.backends.with_networks import NetworksBackend

        return NetworksBackend(model, runtime)
    from msfusion_sdk.encoder.backends.with_openvino import OpenVinoBackend

    return OpenVinoBackend(model, runtime.precision)
