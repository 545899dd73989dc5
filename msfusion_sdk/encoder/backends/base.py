"""What a back end is: the networks made ready for one device and one precision."""

from abc import ABC, abstractmethod

from torch import Tensor

from msfusion_sdk.encoder.networks.model import PatchFeatures, TwoScaleModel

__all__ = ["Backend", "weights_stamp"]


class Backend(ABC):
    """Both networks, ready to compute.

    Holds what one process and its threads need, so it is never sent to another one.
    """

    name = ""
    """What computes, where it differs from what the runtime asks for: 'torch' or 'openvino'."""
    difference: float | None = None
    """Of vectors from those of torch in fp32, relative, as measured when it was made."""
    remark = ""
    """Why it is not what the runtime asks for."""

    @abstractmethod
    def features(self, pixels: Tensor) -> PatchFeatures:
        """Return what the networks say of patches.

        Parameters
        ----------
        pixels : shape (patch, 3, size, size), bytes on the CPU, RGB
            Contiguous when seen as (patch, size, size, 3).

        Raises
        ------
        DeviceError
            When the device has no memory for one image.
        """


def weights_stamp(model: TwoScaleModel) -> tuple[float, ...]:
    """Return numbers that change when the weights do: the sum of each tensor.

    A back end computes with a copy of the weights.  Asking for the sums takes milliseconds and
    sees every way of changing them; torch's own counters miss those through ``Tensor.data``.
    Frozen networks, whose sums would take a second, are known by those counters alone.
    """
    own = model.own_state().values()
    frozen = [
        float(value._version)
        for network in model.attended().values()
        for value in network.backbone.parameters()
    ]
    sums = (float(value.sum(dtype=value.new_zeros(()).double().dtype)) for value in own)
    return (*sums, *frozen)
