"""Small feature networks with seeded weights, of every kind, and their own way to be used."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from msfusion_sdk.config import Licence, NetworkFacts
from msfusion_sdk.encoder.weights.hub import embedded_models

MEAN, STD = (0.7, 0.55, 0.65), (0.2, 0.25, 0.19)
OPEN = Licence(name="Apache-2.0", may_be_shared=True, commercial=True)

TIMM: dict[str, tuple[str, dict[str, Any], int]] = {
    "vit": ("vit_tiny_patch16_224", {"img_size": 64, "depth": 2, "embed_dim": 48}, 64),
    "dinov2": (
        "vit_small_patch14_reg4_dinov2",
        {"img_size": 56, "depth": 2, "embed_dim": 48, "num_heads": 3},
        56,
    ),
    "swin": (
        "swin_tiny_patch4_window7_224",
        {"img_size": 56, "depths": (1, 1), "num_heads": (2, 4), "embed_dim": 16},
        56,
    ),
    "convnext": ("convnext_atto", {"depths": (1, 1, 1, 1), "dims": (8, 16, 24, 32)}, 64),
    "resnet": ("resnet18", {}, 64),
}


@dataclass(frozen=True)
class Case:
    """A network as ``from_networks`` takes it, and what its own library makes of an image."""

    source: Any
    given: dict[str, Any] = field(default_factory=dict)
    answer: Callable[[Image.Image], np.ndarray] | None = None


def seeded(module: nn.Module) -> nn.Module:
    """Give a module weights under which it does not answer the same to everything."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, value in module.named_parameters():
            if value.ndim > 1:
                fan = value[0].numel() if "pos" not in name else 25
                value.copy_(torch.randn(value.shape, generator=generator) * (1.5 / fan) ** 0.5)
            elif "gamma" in name or "weight" in name:
                value.copy_(1 + 0.1 * torch.randn(value.shape, generator=generator))
            else:
                value.copy_(0.1 * torch.randn(value.shape, generator=generator))
    return module.eval()


def facts(name: str, edge: int, features: int, **more: Any) -> NetworkFacts:
    """Return facts of a network that was trained at 0.5 µm per pixel."""
    return NetworkFacts(
        name=name,
        image_px=edge,
        features=features,
        **{"licence": OPEN, "mpp": (0.5,), "pixel_mean": MEAN, "pixel_std": STD, **more},
    )


def as_people_do(module: nn.Module) -> Callable[[Image.Image], np.ndarray]:
    """Return what a notebook would: torchvision's transforms, then the model, one image."""
    from torchvision.transforms import v2

    normalise = v2.Normalize(MEAN, STD)
    steps = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), normalise])

    def answer(image: Image.Image | Tensor) -> np.ndarray:
        pixels = normalise(image) if isinstance(image, Tensor) else steps(image)
        with torch.inference_mode():
            found = module(pixels[None])
        return found[0].double().numpy()

    return answer


def timm_case(kind: str, folder: Path) -> Case:
    """Return a model of timm, its weights in a safetensors file."""
    import timm

    name, arguments, edge = TIMM[kind]
    module = seeded(timm.create_model(name, num_classes=0, **arguments))
    path = folder / f"{kind}.safetensors"
    save_file({k: v.contiguous() for k, v in module.state_dict().items()}, path)
    is_vit = kind in ("vit", "dinov2")
    known = facts(
        kind, edge, module.num_features, arguments=arguments, readout="cls" if is_vit else "pooled"
    )
    given = {"weights": path, "facts": known}
    return Case(f"timm:{name}", given, as_people_do(module))


def lite0_case() -> Case:
    """Return EfficientNet-Lite0 with the trained weights that are inside the package."""
    import timm

    module = timm.create_model("efficientnet_lite0", num_classes=0).eval()
    path = embedded_models()["general-v1"] / "detail.safetensors"
    module.load_state_dict(load_file(path))
    known = facts("lite0", 96, 1280, multiple_px=32, readout="pooled")
    return Case("timm:efficientnet_lite0", {"weights": path, "facts": known}, as_people_do(module))


class Tokens(nn.Module):
    """A user's own module: 8 × 8 patches as tokens behind a first one, in an object."""

    def __init__(self) -> None:
        super().__init__()
        self.cut = nn.Conv2d(3, 20, 8, 8)
        self.first = nn.Parameter(torch.zeros(1, 1, 20))
        self.mix = nn.Linear(20, 20)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        tokens = self.cut(images).flatten(2).transpose(1, 2)
        first = self.first.expand(len(tokens), -1, -1) + tokens.mean(1, keepdim=True)
        return {"last_hidden_state": self.mix(torch.cat([first, tokens], 1)).tanh()}


class Pooled(nn.Module):
    """A user's own module that answers with one vector."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 12, 5, 3), nn.ReLU(), nn.Conv2d(12, 16, 3, 2))

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images).mean((2, 3))


def first_token(module: nn.Module) -> nn.Module:
    class First(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return module(images)["last_hidden_state"][:, 0]

    return First()


def onnx_file(path: Path, module: Pooled) -> Path:
    """Write ``Pooled`` as ONNX, operation by operation."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    first, second = module.layers[0], module.layers[2]
    arrays = {
        "w1": first.weight, "b1": first.bias, "w2": second.weight, "b2": second.bias,
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["a"], strides=[3, 3]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "w2", "b2"], ["c"], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["c"], ["d"]),
        helper.make_node("Flatten", ["d"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "pooled",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 64, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 16])],
        [numpy_helper.from_array(v.detach().numpy(), k) for k, v in arrays.items()],
    )
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


def ir_file(path: Path, module: nn.Module) -> Path:
    """Write a module as an OpenVINO IR that takes one image at a time."""
    from msfusion_sdk.encoder.backends.quiet_openvino import import_openvino

    ov = import_openvino()
    example = torch.zeros(1, 3, 64, 64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, of the tracing that OpenVINO does
        model = ov.convert_model(module, example_input=example, input=[1, 3, 64, 64])
    ov.save_model(model, path, compress_to_fp16=False)
    return path
