"""The layer ops beside the same functions in plain PyTorch, and inputs for both."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import infogan_fast  # noqa: F401 (the ops)

OPS = torch.ops.infogan_fast
MOMENTUM, EPS = 0.1, 1e-5
DTYPES = (torch.float32, torch.float64, torch.bfloat16)
LAYOUTS = ("contiguous", "channels last", "strided")

every_layout = pytest.mark.parametrize("layout", LAYOUTS)
every_slope = pytest.mark.parametrize("slope", [1.0, 0.1, 0.0])
every_layer_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: str(dtype).removeprefix("torch."))


def downsample(slope, onednn=False):
    return lambda *tensors: OPS.downsample_conv2d(*tensors, slope, onednn)


def upsample(onednn):
    return lambda *tensors: OPS.upsample_conv2d(*tensors, onednn)


def linear(onednn):
    return lambda *tensors: OPS.linear(*tensors, onednn)


def parameter_dtype(dtype):
    return torch.float32 if dtype is torch.bfloat16 else dtype


def plain_downsample(slope):
    return lambda *tensors: F.leaky_relu(F.conv2d(*tensors, stride=2, padding=1), slope)


def plain_upsample(*tensors):
    return F.conv_transpose2d(*tensors, stride=2, padding=1)


def batch_norm(groups, slope, running=None):
    """Of (input, weight, bias); ``running`` are the mean and variance to be updated."""

    def function(input, weight, bias):
        mean, variance = running or fresh_running(weight)
        return OPS.group_batch_norm(input, weight, bias, mean, variance, groups, MOMENTUM, EPS, slope)[0]

    return function


def plain_batch_norm(groups, slope, running=None):
    def function(input, weight, bias):
        mean, variance = running or fresh_running(weight)
        normalised = [F.batch_norm(g, mean, variance, weight, bias, True, MOMENTUM, EPS) for g in input.chunk(groups)]
        return F.leaky_relu(torch.cat(normalised), slope)

    return function


def fresh_running(weight):
    return torch.zeros_like(weight), torch.ones_like(weight)


def random(*shape, layout="contiguous") -> Tensor:
    """Float64 numbers that float32 has too, so that rounding them is no part of an error."""
    if layout == "strided":
        return random(*shape[:-1], 2 * shape[-1])[..., ::2]
    values = torch.randn(shape).double()
    if layout == "channels last" and len(shape) == 4:
        return values.contiguous(memory_format=torch.channels_last)
    return values


def downsample_tensors(size, layout="contiguous", with_bias=True):
    """The op's tensors and a gradient, for (batch, channels in, channels out, height, width) of the larger image."""
    batch, channels, out, height, width = size
    input, weight = random(batch, channels, height, width, layout=layout), random(out, channels, 4, 4, layout=layout)
    return [input, weight, random(out) if with_bias else None], random(batch, out, height // 2, width // 2)


def upsample_tensors(size, layout="contiguous", with_bias=True):
    batch, channels, out, height, width = size
    input = random(batch, channels, height // 2, width // 2, layout=layout)
    weight = random(channels, out, 4, 4, layout=layout)
    return [input, weight, random(out) if with_bias else None], random(batch, out, height, width, layout=layout)


def linear_tensors(size, layout="contiguous", with_bias=True):
    """For (rows, columns in, columns out)."""
    rows, columns, out = size
    tensors = [random(rows, columns, layout=layout), random(out, columns, layout=layout)]
    return [*tensors, random(out) if with_bias else None], random(rows, out, layout=layout)


def evaluate(function, tensors, grad, dtype=torch.float64) -> list[Tensor]:
    """The output, and the gradient of each of the tensors that is not None, the first of which is the input."""
    dtypes = [dtype, *(parameter_dtype(dtype) for _ in tensors[1:])]
    leaves = [
        None if t is None else t.to(own).detach().requires_grad_() for t, own in zip(tensors, dtypes, strict=True)
    ]
    output = function(*leaves)
    wanted = [leaf for leaf in leaves if leaf is not None]
    return [output.detach(), *torch.autograd.grad(output, wanted, grad.to(dtype))]


def check(ours, theirs, tensors, grad, linear=None):
    """Ours equals theirs in float64, and in float32 its error is at most twice theirs.

    ``linear`` is theirs without the activation: where that is about 0, its sign, and with it the gradient, is decided
    by rounding errors, and the gradient is left out of the comparison.
    """
    if linear is not None:
        grad = grad * (linear(*tensors).abs() > 1e-4)
    exact = evaluate(theirs, tensors, grad)
    for got, wanted in zip(evaluate(ours, tensors, grad), exact, strict=True):
        assert error(got, wanted) <= 1e-13 * (1 + largest(wanted))
    results = (evaluate(function, tensors, grad, torch.float32) for function in (ours, theirs))
    for got, common, wanted in zip(*results, exact, strict=True):
        assert got.dtype == torch.float32
        assert no_worse(got, common, wanted, factor=2)


def no_worse(got, common, exact, factor) -> bool:
    """Whether the error is at most ``factor`` times that of PyTorch, and a few roundings.

    These are of the largest element, or of the terms, which are about 1, where a sum happens to be small.
    """
    roundings = 4 * torch.finfo(got.dtype).eps * (1 + largest(exact))
    return error(got, exact) <= factor * error(common, exact) + roundings


def error(got, exact) -> float:
    assert got.shape == exact.shape
    return largest(got.double() - exact)


def largest(values) -> float:
    return float(values.abs().max()) if values.numel() else 0.0
