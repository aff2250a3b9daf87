"""Fake kernels: the ops' checks and result shapes without data, for ``torch.compile`` and ``torch.export``.

The checks are those of csrc/checks.h that do not need the values of the tensors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

_Kernel = TypeVar("_Kernel", bound=Callable[..., object])


def register_fake(op: str) -> Callable[[_Kernel], _Kernel]:
    """Decorate the fake kernel of an op."""
    register: Callable[[_Kernel], _Kernel] = torch.library.register_fake(op)
    return register


FLOATING = (torch.float32, torch.float64, torch.bfloat16, torch.float16)


def check_value(condition: bool | torch.SymBool, message: Callable[[], str]) -> None:
    """Raise ValueError now if the condition is known to be false; check again at run time if it is not known."""
    check: Callable[..., None] = torch._check_value
    check(condition, message)


def _check_prior(op: str, prior: str) -> None:
    if prior not in ("uniform", "normal"):
        raise ValueError(f"{op}: prior must be 'uniform' or 'normal', got '{prior}'")


def _check_layout(op: str, noise: int, cardinalities: Sequence[int], continuous: int) -> None:
    if not 0 <= noise < 2**31:
        raise ValueError(f"{op}: noise must be in [0, 2**31), got {noise}")
    if not 0 <= continuous < 2**31:
        raise ValueError(f"{op}: the number of continuous codes must be in [0, 2**31), got {continuous}")
    for cardinality in cardinalities:
        if not 1 <= cardinality < 2**31:
            raise ValueError(f"{op}: a cardinality must be in [1, 2**31), got {cardinality}")


def _check_stream(op: str, seed: Tensor, offset: int, row_offset: int) -> None:
    if seed.dtype != torch.int64:
        raise TypeError(f"{op}: seed must be int64, got {seed.dtype}; see new_seed()")
    if seed.numel() != 1:
        raise ValueError(f"{op}: seed must have one element, got shape {list(seed.shape)}")
    if not 0 <= offset < 2**32:
        raise ValueError(f"{op}: offset must be in [0, 2**32), got {offset}")
    check_value(row_offset >= 0, lambda: f"{op}: row_offset must be in [0, 2**62], got {row_offset}")
    check_value(row_offset <= 2**62, lambda: f"{op}: row_offset must be in [0, 2**62], got {row_offset}")


def _check_floating(op: str, argument: str, dtype: torch.dtype) -> None:
    if dtype not in FLOATING:
        raise TypeError(f"{op}: {argument} must be float32, float64, bfloat16 or float16, got {dtype}")


def _accumulate_dtype(head: torch.dtype) -> torch.dtype:
    return torch.float64 if head == torch.float64 else torch.float32


def _gradient_dtype(head: torch.dtype) -> torch.dtype:
    return torch.float32 if head == torch.float16 else head


@register_fake("infogan_fast::sample_latents")
def _(
    seed: Tensor,
    batch_size: int,
    noise: int,
    cardinalities: Sequence[int],
    continuous: int,
    noise_prior: str,
    continuous_prior: str,
    offset: int,
    row_offset: int,
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor, Tensor]:
    op = "infogan_fast::sample_latents"
    _check_prior(op, noise_prior)
    _check_prior(op, continuous_prior)
    _check_layout(op, noise, cardinalities, continuous)
    _check_stream(op, seed, offset, row_offset)
    check_value(batch_size >= 0, lambda: f"{op}: batch_size must be >= 0, got {batch_size}")
    _check_floating(op, "dtype", dtype)
    return (
        seed.new_empty((batch_size, noise + sum(cardinalities) + continuous), dtype=dtype),
        seed.new_empty((batch_size, len(cardinalities))),
        seed.new_empty((batch_size, continuous), dtype=torch.float32),
    )


def _check_codes(op: str, head: Tensor, categorical: Tensor, continuous: Tensor, m: int, c: int) -> None:
    batch = head.shape[0]
    if categorical.dtype != torch.int64:
        raise TypeError(f"{op}: categorical must be int64, got {categorical.dtype}")
    if categorical.dim() != 2 or categorical.shape[0] != batch or categorical.shape[1] != m:
        raise ValueError(
            f"{op}: categorical must be [{batch}, {m}] for head {list(head.shape)}, got {list(categorical.shape)}"
        )
    if continuous.dtype not in (torch.float32, head.dtype):
        raise TypeError(f"{op}: continuous must be float32 or the head's {head.dtype}, got {continuous.dtype}")
    if continuous.dim() != 2 or continuous.shape[0] != batch or continuous.shape[1] != c:
        raise ValueError(
            f"{op}: continuous must be [{batch}, {c}] for head {list(head.shape)}, got {list(continuous.shape)}"
        )
    if categorical.device != head.device or continuous.device != head.device:
        raise ValueError(
            f"{op}: head, categorical and continuous must be on one device, got {head.device}, {categorical.device} "
            f"and {continuous.device}"
        )


def check_weights(op: str, argument: str, weights: Sequence[float], count: int) -> None:
    """Raise ValueError unless there are ``count`` weights, each finite and ``>= 0``."""
    if len(weights) != count:
        raise ValueError(
            f"{op}: {argument} must be a float or one float per code ({count}), got {len(weights)} of them"
        )
    for weight in weights:
        if not (math.isfinite(weight) and weight >= 0.0):
            raise ValueError(f"{op}: {argument} must be finite and >= 0, got {weight}")


def _check_weight_scale(op: str, weight_scale: Tensor, head: Tensor, codes: int) -> None:
    if weight_scale.dtype != torch.float32:
        raise TypeError(f"{op}: weight_scale must be torch.float32, got {weight_scale.dtype}")
    if weight_scale.dim() != 1 or weight_scale.shape[0] != codes or weight_scale.device != head.device:
        raise ValueError(
            f"{op}: weight_scale must be [{codes}], one number per code, on {head.device}, got "
            f"{list(weight_scale.shape)} on {weight_scale.device}"
        )


@register_fake("infogan_fast::info_loss_forward")
def _(
    head: Tensor,
    categorical: Tensor | None,
    continuous: Tensor | None,
    seed: Tensor | None,
    offset: int,
    row_offset: int,
    cardinalities: Sequence[int],
    continuous_codes: int,
    continuous_prior: str,
    categorical_weight: Sequence[float],
    continuous_weight: Sequence[float],
    weight_scale: Tensor | None,
    variance: str,
    fixed_variance: float,
    ignore_index: int,
    compute_gradient: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    op = "infogan_fast::info_loss"
    if variance not in ("learned", "learned_std", "fixed"):
        raise ValueError(f"{op}: variance must be 'learned', 'learned_std' or 'fixed', got '{variance}'")
    if variance == "fixed" and not (math.isfinite(fixed_variance) and fixed_variance > 0.0):
        raise ValueError(f"{op}: a fixed variance must be positive and finite, got {fixed_variance}")
    _check_prior(op, continuous_prior)
    _check_layout(op, 0, cardinalities, continuous_codes)

    _check_floating(op, "head", head.dtype)
    width = sum(cardinalities) + continuous_codes * (1 if variance == "fixed" else 2)
    formula = "(sum K + C)" if variance == "fixed" else "(sum K + 2 C)"
    if head.dim() != 2 or head.shape[1] != width:
        raise ValueError(f"{op}: head must be [B, {width}] {formula}, got {list(head.shape)}")
    largest = torch.finfo(_accumulate_dtype(head.dtype)).max
    if variance == "fixed" and fixed_variance * largest < 1.0:
        raise ValueError(
            f"{op}: a fixed variance must be at least {1.0 / largest:g} for a head of {head.dtype}, got "
            f"{fixed_variance:g}"
        )
    batch = head.shape[0]
    check_value(batch > 0, lambda: f"{op}: the mean over an empty batch is not defined; head is {list(head.shape)}")

    if (categorical is None) != (continuous is None) or (seed is None) == (categorical is None):
        raise ValueError(f"{op}: the codes are either categorical and continuous, or a seed")
    if categorical is not None and continuous is not None:
        _check_codes(op, head, categorical, continuous, len(cardinalities), continuous_codes)
    elif seed is not None:
        _check_stream(op, seed, offset, row_offset)
        if seed.device != head.device:
            raise ValueError(f"{op}: head and seed must be on one device, got {head.device} and {seed.device}")
    check_weights(op, "categorical_weight", categorical_weight, len(cardinalities))
    check_weights(op, "continuous_weight", continuous_weight, continuous_codes)
    codes = len(cardinalities) + continuous_codes
    if weight_scale is not None:
        _check_weight_scale(op, weight_scale, head, codes)

    dtype = _accumulate_dtype(head.dtype)
    return (
        head.new_empty((), dtype=dtype),
        head.new_empty((codes,), dtype=dtype),
        head.new_empty((batch if compute_gradient else 0, width), dtype=_gradient_dtype(head.dtype)),
        head.new_empty((codes,), dtype=dtype),
    )


@register_fake("infogan_fast::info_loss_backward")
def _(
    grad_loss: Tensor,
    gradient: Tensor,
    factor: Tensor,
    cardinalities: Sequence[int],
    continuous_codes: int,
    dtype: torch.dtype,
) -> Tensor:
    op = "infogan_fast::info_loss_backward"
    _check_layout(op, 0, cardinalities, continuous_codes)
    _check_floating(op, "dtype", dtype)
    logits = sum(cardinalities)
    widths = (logits + 2 * continuous_codes, logits + continuous_codes)
    if gradient.dim() != 2 or gradient.shape[1] not in widths:
        raise ValueError(f"{op}: gradient must be [B, {widths[0]}] or [B, {widths[1]}], got {list(gradient.shape)}")
    codes = len(cardinalities) + continuous_codes
    if grad_loss.numel() != 1 or factor.dim() != 1 or factor.shape[0] != codes:
        raise ValueError(
            f"{op}: grad_loss must have one element and factor {codes}, got {list(grad_loss.shape)} and "
            f"{list(factor.shape)}"
        )
    if grad_loss.device != gradient.device or factor.device != gradient.device:
        raise ValueError(
            f"{op}: grad_loss, gradient and factor must be on one device, got {grad_loss.device}, {gradient.device} "
            f"and {factor.device}"
        )
    accumulate = _accumulate_dtype(dtype)
    if gradient.dtype != _gradient_dtype(dtype) or grad_loss.dtype != accumulate or factor.dtype != accumulate:
        raise TypeError(
            f"{op}: grad_loss and factor must be {accumulate} and gradient {_gradient_dtype(dtype)} for a head of "
            f"{dtype}, got {grad_loss.dtype}, {factor.dtype} and {gradient.dtype}"
        )
    return gradient.new_empty(gradient.shape, dtype=dtype)
