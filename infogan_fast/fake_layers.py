"""Fake kernels of the layers: the checks of csrc/cpu/ in strided_conv2d, linear and group_batch_norm, and shapes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from infogan_fast.fake import check_value, register_fake

_HALVING = "infogan_fast::downsample_conv2d"
_DOUBLING = "infogan_fast::upsample_conv2d"
_LINEAR = "infogan_fast::linear"
_BATCH_NORM = "infogan_fast::group_batch_norm"

_Gradients = tuple[Tensor | None, Tensor | None, Tensor | None]


def _empty_images(like: Tensor, channels: int, height: int, width: int) -> Tensor:
    shape = (like.shape[0], channels, height, width)
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=torch.channels_last)


def _in_order(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last) if images.dim() == 4 else images.contiguous()


def _check_dtype(op: str, input: Tensor) -> None:
    if input.dtype not in (torch.float32, torch.float64, torch.bfloat16):
        raise TypeError(f"{op}: input must be float32, float64 or bfloat16, got {input.dtype}")


def _of_parameters(input: Tensor) -> torch.dtype:
    """The dtype of weights and statistics."""
    return torch.float64 if input.dtype is torch.float64 else torch.float32


def _check_weight(op: str, input: Tensor, weight: Tensor, bias: Tensor | None, input_dim: int) -> None:
    _check_dtype(op, input)
    if input.dim() != 4:
        raise ValueError(f"{op}: input must be [B, C, H, W], got shape {list(input.shape)}")
    channels = input.shape[1]
    if weight.dim() != 4 or weight.shape[2] != 4 or weight.shape[3] != 4 or weight.shape[input_dim] != channels:
        form = "[out, in, 4, 4]" if input_dim == 1 else "[in, out, 4, 4]"
        raise ValueError(
            f"{op}: weight must be {form} with in = {channels}, the channels of input, got shape {list(weight.shape)}"
        )
    out = weight.shape[1 - input_dim]
    if bias is not None and (bias.dim() != 1 or bias.shape[0] != out):
        raise ValueError(f"{op}: bias must have shape [{out}], got {list(bias.shape)}")
    for tensor in (weight, bias):
        if tensor is not None and tensor.dtype != _of_parameters(input):
            raise TypeError(
                f"{op}: weight and bias must be {_of_parameters(input)} where input is {input.dtype}, got "
                f"{tensor.dtype}"
            )


def _check_downsample(input: Tensor, weight: Tensor, bias: Tensor | None, negative_slope: float) -> None:
    op = _HALVING
    _check_weight(op, input, weight, bias, input_dim=1)
    height, width = input.shape[2:]
    for side in (height, width):
        check_value(side > 0, lambda: f"{op}: input must have even sides, got {height}x{width}")
        check_value(side % 2 == 0, lambda: f"{op}: input must have even sides, got {height}x{width}")
    if not negative_slope >= 0.0:
        raise ValueError(f"{op}: negative_slope must be >= 0, got {negative_slope:g}")


def _check_output(op: str, name: str, tensor: Tensor, input: Tensor, shape: Sequence[int]) -> None:
    if list(tensor.shape) != list(shape) or tensor.dtype != input.dtype:
        raise ValueError(
            f"{op}_backward: {name} must have shape {list(shape)} and the dtype of input, {input.dtype}, got "
            f"{list(tensor.shape)} and {tensor.dtype}"
        )


@register_fake(_HALVING)
def _(input: Tensor, weight: Tensor, bias: Tensor | None, negative_slope: float, onednn: bool = False) -> Tensor:
    _check_downsample(input, weight, bias, negative_slope)
    return _empty_images(input, weight.shape[0], input.shape[2] // 2, input.shape[3] // 2)


@register_fake(f"{_HALVING}_backward")
def _(
    grad: Tensor,
    input: Tensor,
    weight: Tensor,
    output: Tensor | None,
    negative_slope: float,
    wanted: Sequence[bool],
    onednn: bool = False,
) -> _Gradients:
    _check_downsample(input, weight, None, negative_slope)
    batch, channels, height, width = input.shape
    shape = (batch, weight.shape[0], height // 2, width // 2)
    _check_output(_HALVING, "grad", grad, input, shape)
    if negative_slope != 1.0:
        if output is None:
            raise ValueError(f"{_HALVING}_backward: output must be given for a negative_slope other than 1")
        _check_output(_HALVING, "output", output, input, shape)
    return (
        _empty_images(input, channels, height, width) if wanted[0] else None,
        weight.new_empty(weight.shape) if wanted[1] else None,
        weight.new_empty(weight.shape[:1]) if wanted[2] else None,
    )


@register_fake(_DOUBLING)
def _(input: Tensor, weight: Tensor, bias: Tensor | None, onednn: bool = False) -> Tensor:
    _check_weight(_DOUBLING, input, weight, bias, input_dim=0)
    return _empty_images(input, weight.shape[1], 2 * input.shape[2], 2 * input.shape[3])


@register_fake(f"{_DOUBLING}_backward")
def _(grad: Tensor, input: Tensor, weight: Tensor, wanted: Sequence[bool], onednn: bool = False) -> _Gradients:
    _check_weight(_DOUBLING, input, weight, None, input_dim=0)
    batch, channels, height, width = input.shape
    _check_output(_DOUBLING, "grad", grad, input, (batch, weight.shape[1], 2 * height, 2 * width))
    return (
        _empty_images(input, channels, height, width) if wanted[0] else None,
        weight.new_empty(weight.shape) if wanted[1] else None,
        weight.new_empty(weight.shape[1:2]) if wanted[2] else None,
    )


def _check_linear(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    _check_dtype(_LINEAR, input)
    parameters = _of_parameters(input)
    if input.dim() != 2:
        raise ValueError(f"{_LINEAR}: input must be [B, in], got shape {list(input.shape)}")
    columns = input.shape[1]
    if weight.dim() != 2 or weight.shape[1] != columns:
        raise ValueError(
            f"{_LINEAR}: weight must be [out, in] with in = {columns}, the columns of input, got shape "
            f"{list(weight.shape)}"
        )
    if bias is not None and (bias.dim() != 1 or bias.shape[0] != weight.shape[0]):
        raise ValueError(f"{_LINEAR}: bias must have shape [{weight.shape[0]}], got {list(bias.shape)}")
    if weight.dtype not in (parameters, input.dtype):
        raise TypeError(f"{_LINEAR}: weight must be {parameters} where input is {input.dtype}, got {weight.dtype}")
    if bias is not None and bias.dtype != parameters:
        raise TypeError(f"{_LINEAR}: bias must be {parameters} where input is {input.dtype}, got {bias.dtype}")


@register_fake(_LINEAR)
def _(input: Tensor, weight: Tensor, bias: Tensor | None, onednn: bool = False) -> Tensor:
    _check_linear(input, weight, bias)
    return input.new_empty(input.shape[0], weight.shape[0])


@register_fake(f"{_LINEAR}_backward")
def _(grad: Tensor, input: Tensor, weight: Tensor, wanted: Sequence[bool], onednn: bool = False) -> _Gradients:
    _check_linear(input, weight, None)
    _check_output(_LINEAR, "grad", grad, input, (input.shape[0], weight.shape[0]))
    parameters = _of_parameters(input)
    return (
        input.new_empty(input.shape) if wanted[0] else None,
        weight.new_empty(weight.shape, dtype=parameters) if wanted[1] else None,
        weight.new_empty(weight.shape[:1], dtype=parameters) if wanted[2] else None,
    )


def _check_batch(input: Tensor, groups: int) -> None:
    op, shape = _BATCH_NORM, list(input.shape)
    _check_dtype(op, input)
    if input.dim() not in (2, 4):
        raise ValueError(f"{op}: input must be [B, C] or [B, C, H, W], got shape {shape}")
    check_value(
        groups > 0 and shape[0] % groups == 0,
        lambda: f"{op}: the batch of {shape[0]} must consist of groups of equal size, got {groups} groups",
    )
    per_group = input.numel() // shape[1] // groups if shape[1] > 0 else 0
    check_value(per_group > 1, lambda: f"{op}: a group must have more than one value per channel, got {per_group}")


def _check_statistic(name: str, tensor: Tensor, input: Tensor, shape: Sequence[int]) -> None:
    dtype = _of_parameters(input)
    if list(tensor.shape) != list(shape) or not tensor.is_contiguous() or tensor.dtype != dtype:
        raise ValueError(
            f"{_BATCH_NORM}: {name} must be contiguous, of shape {list(shape)} and {dtype} where input is "
            f"{input.dtype}, got shape {list(tensor.shape)}, strides {list(tensor.stride())} and {tensor.dtype}"
        )


@register_fake(_BATCH_NORM)
def _(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    groups: int,
    momentum: float,
    eps: float,
    negative_slope: float,
) -> tuple[Tensor, Tensor, Tensor]:
    _check_batch(input, groups)
    channels = input.shape[1]
    for name, tensor in (
        ("weight", weight),
        ("bias", bias),
        ("running_mean", running_mean),
        ("running_var", running_var),
    ):
        _check_statistic(name, tensor, input, (channels,))
    statistics = (groups, channels)
    return torch.empty_like(_in_order(input)), weight.new_empty(statistics), weight.new_empty(statistics)


@register_fake(f"{_BATCH_NORM}_backward")
def _(
    grad: Tensor,
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    mean: Tensor,
    rstd: Tensor,
    negative_slope: float,
) -> tuple[Tensor, Tensor, Tensor]:
    groups = mean.shape[0] if mean.dim() > 0 else 0
    _check_batch(input, groups)
    channels = input.shape[1]
    for name, tensor in (("weight", weight), ("bias", bias)):
        _check_statistic(name, tensor, input, (channels,))
    for name, tensor in (("mean", mean), ("rstd", rstd)):
        _check_statistic(name, tensor, input, (groups, channels))
    if grad.shape != input.shape or grad.dtype != input.dtype:
        raise ValueError(
            f"{_BATCH_NORM}_backward: grad must have the shape and dtype of input, {list(input.shape)} and "
            f"{input.dtype}, got {list(grad.shape)} and {grad.dtype}"
        )
    return torch.empty_like(_in_order(input)), torch.empty_like(weight), torch.empty_like(bias)
