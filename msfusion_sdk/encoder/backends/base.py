"""What a back end is: the networks made ready for one device and one precision."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from msfusion_sdk.encoder.networks.model import PatchFeatures

__all__ = ["Backend", "weights_stamp"]


class Backend(ABC):
    """Both networks, ready to compute.

    Holds what one process and its threads need, so it is never sent to another one.
    """

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


def weights_stamp(model: nn.Module) -> tuple[float, ...]:
    """Return numbers that change when the weights do: the sum of each tensor.

    A back end computes with a copy of the weights.  Asking for the sums takes milliseconds and
    sees every way of changing them; torch's own counters miss those through ``Tensor.data``.
    """
    tensors = model.state_dict().values()
    return tuple(float(value.sum(dtype=value.new_zeros(()).double().dtype)) for value in tensors)
