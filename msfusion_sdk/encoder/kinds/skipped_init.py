"""Build modules whose random first weights nobody will see, without drawing them.

Filling the 300 million parameters of a ViT-L takes ten seconds and a gigabyte of memory; its own
weights are mapped over them a moment later.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["skipped_init"]


class _SkipInit(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Leaves parameters alone: every operation in place on one does nothing."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        is_in_place = func._schema.name.endswith("_")
        if is_in_place and args and isinstance(args[0], nn.Parameter):
            return args[0]
        return func(*args, **(kwargs or {}))


@contextmanager
def skipped_init() -> Iterator[None]:
    """Build modules in the block with parameters of any content.

    Buffers, which some architectures compute when they are built, are as they would be.
    """
    with _SkipInit(), torch.no_grad():  # type: ignore[no-untyped-call]
        yield
