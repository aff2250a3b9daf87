"""The memory that training takes: a check that there is enough, and what to say where it ran out."""

from __future__ import annotations

import math
import re
from typing import Any

import torch
from torch import Tensor, nn

from infogan_fast.data.memory import free_memory, gib
from infogan_fast.networks.parts import SmoothUpsample
from infogan_fast.training.networks import build_networks
from infogan_fast.training.settings import ConfigError, TrainConfig

#: What to change where there is not enough memory.
ADVICE = (
    "smaller values of width, batch_size, categorical or image_size take less, and so does stream=true where the "
    "images are held in memory"
)

_BYTES = 4  # of a float32
_PER_WEIGHT = 4  # the weight, its gradient and Adam's two moments
_JOINTS = 3  # K x K matrices that the term on real images keeps for a categorical code's gradient
# How the messages of torch's CPU allocator, of sizes beyond 64 bits, of the C++ library and of safetensors' binding to
# Python, which panics where it gets no memory, are known.
_MESSAGES = (
    "DefaultCPUAllocator:",
    "Storage size calculation overflowed",
    "std::bad_alloc",
    "PyObject pointer is null",
)


class OutOfMemoryError(RuntimeError):
    """Memory ran out; the message says which settings take less."""


def out_of_memory(error: BaseException) -> OutOfMemoryError | None:
    """The error as one that is meant for the user; None if it does not say that memory ran out."""
    text = str(error)
    if not isinstance(error, MemoryError | torch.OutOfMemoryError) and not any(known in text for known in _MESSAGES):
        return None
    asked = re.search(r"allocate (\d+) bytes", text)
    on_gpu = re.search(r"Tried to allocate [\d.]+ \w+", text)
    what = f" (asked for {gib(int(asked[1]))})" if asked else f" ({on_gpu[0]})" if on_gpu else ""
    return OutOfMemoryError(f"out of memory{what}: {ADVICE}")


def check_memory(config: TrainConfig, image_shape: tuple[int, int, int]) -> None:
    """Raise where training is sure to take more memory than is free, before any of it is taken.

    Counted are the weights with their gradients and Adam's moments, the generator EMA, and for one batch what the
    linear and convolutional layers give and the joint distributions of the term on real images. Training takes more
    than that.

    Args:
        config: the settings, with device and width resolved.
        image_shape: ``(channels, height, width)``.

    Raises:
        ConfigError: training takes more, or the networks do not fit images of that shape.
    """
    on_gpu = config.device == "cuda"
    free = torch.cuda.mem_get_info()[0] if on_gpu else free_memory()
    if free is None:
        return
    weights, outputs = _sizes(config, image_shape)
    needed = weights + outputs
    if needed > free:
        raise ConfigError(
            f"the networks: training them takes at least {gib(needed)} of memory ({gib(weights)} for weights and "
            f"optimisers, {gib(outputs)} for a batch), free{' on the GPU' if on_gpu else ''}: {gib(free)}; {ADVICE}"
        )


def _sizes(config: TrainConfig, image_shape: tuple[int, int, int]) -> tuple[int, int]:
    """Bytes of weights and what belongs to them, and of the outputs of one batch's layers, without allocating them."""
    spec = config.spec
    with torch.device("meta"):
        nets = build_networks(config, image_shape)
        outputs = _Outputs(nets)
        with torch.no_grad():
            # D sees real and generated images, while the layers' outputs of G are kept for its update.
            nets.generator(torch.empty(config.batch_size, spec.input_dim))
            features = nets.trunk(torch.empty(2 * config.batch_size, *image_shape))
            if nets.q is not None:
                nets.q(features[: config.batch_size])
            if nets.categorical_network is not None:
                views = 2 * config.real_information_views + 1 if config.uses_real_information else 1
                nets.categorical_network(torch.empty(views * config.batch_size, *image_shape))
    parameters = sum(parameter.numel() for parameter in nets.parameters())
    ema = sum(parameter.numel() for parameter in nets.generator.parameters()) if config.ema > 0.0 else 0
    width = 0.5 if config.precision == "bfloat16" else 1.0
    joints = _JOINTS * sum(k * k for k in spec.categorical) if config.uses_real_information else 0
    return (parameters * _PER_WEIGHT + ema) * _BYTES, int(outputs.count * _BYTES * width) + joints * _BYTES


class _Outputs:
    """Counts the numbers that the linear and convolutional layers give."""

    def __init__(self, nets: nn.Module) -> None:
        self.count = 0
        for module in nets.modules():
            if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d | SmoothUpsample):
                module.register_forward_hook(self._add)

    def _add(self, _module: nn.Module, _inputs: Any, output: Tensor) -> None:
        self.count += math.prod(output.shape)
