"""Batch-norm folded into the convolution before it: at inference both are one linear map.

Source: Jacob et al., CVPR 2018, section 3.2, equation 14.
"""

import copy

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from msfusion_sdk.encoder.networks.network import AttendedResNet
from msfusion_sdk.encoder.networks.resnet import BasicBlock

__all__ = ["folded"]


def folded(model: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Return a copy of a model, in ``dtype``, whose feature networks have no batch-norm.

    Pixels are still normalised in fp32 and rounded afterwards.
    """
    twin = copy.deepcopy(model).eval()
    for network in twin.modules():
        if isinstance(network, AttendedResNet):
            _fold_network(network)
            mean, std = network.pixel_mean, network.pixel_std
            network.to(dtype).to(memory_format=torch.channels_last)
            # Back in fp32: the conversion has rounded them with everything else.
            network.pixel_mean, network.pixel_std = mean, std
    return twin


def _fold_network(network: AttendedResNet) -> None:
    _fold(network.stem, "0", "1")
    for block in network.stages.modules():
        if isinstance(block, BasicBlock):
            _fold(block, "conv1", "bn1")
            _fold(block, "conv2", "bn2")
            if block.downsample is not None:
                _fold(block.downsample, "0", "1")


def _fold(parent: nn.Module, conv: str, norm: str) -> None:
    first, second = parent.get_submodule(conv), parent.get_submodule(norm)
    assert isinstance(first, nn.Conv2d)
    assert isinstance(second, nn.BatchNorm2d)
    setattr(parent, conv, fuse_conv_bn_eval(first, second))
    setattr(parent, norm, nn.Identity())
