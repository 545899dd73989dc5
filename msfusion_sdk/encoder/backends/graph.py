"""The two feature networks as one OpenVINO graph: bytes of a patch in, features and scores out.

Written operation by operation from the weights, so nothing is traced or converted: a
converter takes seconds and reports its use over the network.  OpenVINO folds the batch-norms
and chooses the layouts when it compiles.
"""

from typing import Any

import numpy as np
from torch import Tensor, nn

from msfusion_sdk.encoder.backends.quiet_openvino import import_openvino
from msfusion_sdk.encoder.networks.attention import SpatialAttention
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.encoder.networks.network import AttendedResNet, ImageClassifier
from msfusion_sdk.encoder.networks.resnet import BasicBlock

__all__ = ["patch_graph"]

ov = import_openvino()
op = ov.opset13

Node = Any
"""A node of an OpenVINO graph, or an output of one."""


def patch_graph(model: TwoScaleModel, size: int) -> Any:
    """Return the graph of one patch.

    Parameters
    ----------
    size : int
        Edge of the patch in pixels, even.

    Returns
    -------
    openvino.Model
        Takes bytes, shape (1, size, size, 3), RGB.  Answers with tile features (tile, 512) and
        tile scores (tile,); then, unless the model has a single scale, with context features
        (1, 512) and the context score (1,).
    """
    # Channels last, as a decoder gives them: the caller's pixels are not rearranged.
    patch = op.parameter([1, size, size, 3], np.uint8, name="patch")
    geometry, tiles = model.geometry, model.geometry.tiles
    outputs = [*_network(op.convert(_tiles(patch, tiles, size // tiles), "f32"), model.detail)]
    if model.context is not None and not geometry.single_scale:
        factor = [geometry.patch_size_px // geometry.context_size_px] * 2
        context = _nchw(op.convert(patch, "f32"))
        context = op.avg_pool(context, factor, [0, 0], [0, 0], factor, exclude_pad=True)
        outputs += _network(context, model.context)
    return ov.Model([op.result(output) for output in outputs], [patch], "two_scales")


def _tiles(patch: Node, n: int, edge: int) -> Node:
    """Return the tiles, row by row: (1, size, size, 3) → (n², 3, edge, edge)."""
    cut = op.reshape(patch, _ints(n, edge, n, edge, 3), special_zero=False)
    cut = op.transpose(cut, _ints(0, 2, 4, 1, 3))
    return op.reshape(cut, _ints(n * n, 3, edge, edge), special_zero=False)


def _network(images: Node, classifier: ImageClassifier) -> tuple[Node, Node]:
    """Return features and scores, as ``AttendedResNet.forward`` does."""
    network = classifier.features
    assert isinstance(network, AttendedResNet)
    pixels = op.divide(op.subtract(images, _floats(network.pixel_mean)), _floats(network.pixel_std))
    conv, norm, _ = network.stem
    early, _ = _attend(op.relu(_conv(pixels, conv, norm)), network.first_attention)
    pool, *stages = network.stages
    late = _max_pool(early, pool)
    for block in (block for stage in stages for block in stage):  # type: ignore[attr-defined]
        late = _block(late, block)
    late, weights = _attend(late, network.last_attention)
    vectors = op.reduce_mean(late, _ints(2, 3), keep_dims=False)
    return vectors, op.reduce_mean(weights, _ints(1, 2, 3), keep_dims=False)


def _block(features: Node, block: BasicBlock) -> Node:
    past = features if block.downsample is None else _conv(features, *block.downsample)
    inner = op.relu(_conv(features, block.conv1, block.bn1))
    return op.relu(op.add(_conv(inner, block.conv2, block.bn2), past))


def _attend(features: Node, attention: SpatialAttention) -> tuple[Node, Node]:
    mean = op.reduce_mean(features, _ints(1), keep_dims=True)
    summary = op.concat([mean, op.reduce_max(features, _ints(1), keep_dims=True)], 1)
    weights = op.sigmoid(_conv(summary, attention.conv))
    return op.multiply(features, weights), weights


def _conv(features: Node, conv: Any, norm: Any = None) -> Node:
    padding = list(conv.padding)
    out = op.convolution(
        features, _floats(conv.weight), list(conv.stride), padding, padding, [1, 1]
    )
    if norm is None:
        return out
    # At inference batch-norm is one factor and one shift for every channel.
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    shift = norm.bias - norm.running_mean * scale
    shape = (1, -1, 1, 1)
    return op.add(op.multiply(out, _floats(scale.reshape(shape))), _floats(shift.reshape(shape)))


def _max_pool(features: Node, pool: nn.MaxPool2d | nn.Module) -> Node:
    assert isinstance(pool, nn.MaxPool2d)
    stride, padding, kernel = ([n, n] for n in (pool.stride, pool.padding, pool.kernel_size))
    # The second output holds the places of the maxima.
    return op.max_pool(features, stride, [1, 1], padding, padding, kernel).output(0)


def _nchw(images: Node) -> Node:
    return op.transpose(images, _ints(0, 3, 1, 2))


def _floats(values: Tensor) -> Node:
    return op.constant(values.detach().float().cpu().contiguous().numpy())


def _ints(*values: int) -> Node:
    return op.constant(np.asarray(values, np.int64))
