"""The fused ops: thin wrappers over ``torch.ops.infogan_fast``."""

from __future__ import annotations

import functools
import numbers
from collections.abc import Sequence
from typing import Any, Literal, overload

import torch
from torch import Tensor
from torch.overrides import has_torch_function

from infogan_fast._extension import EXTENSION as _C
from infogan_fast.spec import Codes, Latents, LatentSeed, LatentSpec, Variance, fixed_variance


def new_seed(device: torch.device | str | None = None, generator: torch.Generator | None = None) -> Tensor:
    """A fresh seed for ``sample_latents``, drawn from torch's generator, so that ``torch.manual_seed`` holds.

    Args:
        device: where the seed lives and where codes will be drawn; torch's default device if ``None``.
        generator: drawn from instead of the device's default generator.

    Returns:
        0-d int64 tensor in ``[0, 2**63 - 1]``. Refill it in place to get new codes from a compiled or captured step.
    """
    return torch.empty((), dtype=torch.int64, device=device).random_(generator=generator)


def sample_latents(
    spec: LatentSpec,
    batch_size: int,
    seed: Tensor,
    offset: int = 0,
    row_offset: int = 0,
    dtype: torch.dtype = torch.float32,
) -> Latents:
    """Draw a batch of latent variables from the prior, in one kernel (paper, section 4: c ~ P(c), z ~ noise).

    A pure function of its arguments: Philox4x32-10 with the seed as key and a counter made of the global row, the
    column and the offset. Noise, categorical and continuous codes count their columns apart, so the codes do not depend
    on how much noise there is.
    Row ``r`` of a call with ``row_offset=s`` is row ``r + s`` of the call with ``row_offset=0``, whatever the batch
    size, the number of threads, the device or the number of processes.

    Args:
        spec: the latent variables.
        batch_size: number of rows ``B >= 0``.
        seed: int64 tensor of one element; its device is the device of the result. See ``new_seed``.
        offset: in ``[0, 2**32)``; a different one at each call site that shares a seed. A constant of compiled code:
            refill the seed, or change ``row_offset``, for new draws.
        row_offset: global number of the first row, in ``[0, 2**62]``; the rank's share of a batch split over processes.
        dtype: of ``Latents.input``: float32, float64, bfloat16 or float16.

    Returns:
        ``Latents(input [B, input_dim] dtype, categorical [B, m] int64, continuous [B, C] float32)``.

    Raises:
        TypeError, ValueError, RuntimeError: a wrong dtype, a seed that is not one int64, a size out of range.
    """
    if not isinstance(seed, Tensor):
        raise TypeError(f"seed must be an int64 tensor of one element, such as new_seed() gives, got {seed!r}")
    return Latents(
        *torch.ops.infogan_fast.sample_latents(
            seed,
            batch_size,
            spec.noise,
            spec.categorical,
            spec.continuous,
            spec.noise_prior,
            spec.continuous_prior,
            offset,
            row_offset,
            dtype,
        )
    )


@overload
def info_loss(
    head: Tensor,
    latents: Codes,
    spec: LatentSpec,
    categorical_weight: float | Sequence[float] = ...,
    continuous_weight: float | Sequence[float] = ...,
    variance: Variance = ...,
    ignore_index: int = ...,
    return_terms: Literal[False] = ...,
    weight_scale: Tensor | None = ...,
) -> Tensor: ...
@overload
def info_loss(
    head: Tensor,
    latents: Codes,
    spec: LatentSpec,
    categorical_weight: float | Sequence[float] = ...,
    continuous_weight: float | Sequence[float] = ...,
    variance: Variance = ...,
    ignore_index: int = ...,
    *,
    return_terms: Literal[True],
    weight_scale: Tensor | None = ...,
) -> tuple[Tensor, Tensor]: ...
def info_loss(
    head: Tensor,
    latents: Codes,
    spec: LatentSpec,
    categorical_weight: float | Sequence[float] = 1.0,
    continuous_weight: float | Sequence[float] = 0.1,
    variance: Variance = "learned",
    ignore_index: int = -100,
    return_terms: bool = False,
    weight_scale: Tensor | None = None,
) -> Tensor | tuple[Tensor, Tensor]:
    """The information loss ``sum_i weight_i * E[-log Q(c_i | x)]``, fused into one pass over the head.

    Minimising it maximises the variational lower bound L_I of the mutual information between the code and the image
    (paper, equations 4 and 5). A categorical code costs the cross entropy of its logits; a continuous one
    ``0.5 * (log_var + (c - mean)**2 * exp(-log_var) + log(2 pi))``.

    Args:
        head: Q's output ``[B, head_dim(variance)]``, B >= 1, in float32, float64, bfloat16 or float16, any strides:
            ``[logits_1 | ... | logits_m | mean | log-variance]``. Logits, not probabilities. Half-precision heads
            are computed in float32. No autocast rule is needed around it.
        latents: the ``Latents`` that G was given; or ``(categorical [B, m] int64, continuous [B, C])`` of your own,
            continuous in float32 or the head's dtype, None for either of which the spec has none; or a ``LatentSeed``,
            which draws the same codes again from the counter. They receive no gradient.
        spec: the latent variables.
        categorical_weight: a float, or one float per code; finite and ``>= 0``. A constant of compiled code; see
            ``weight_scale``.
        continuous_weight: likewise.
        variance: ``"learned"`` (the head gives the log-variance), ``"learned_std"`` (it gives the log of the
            standard deviation, as the paper's appendix C writes it) or a positive float (fixed; no columns in the
            head), of which the reciprocal is finite in the dtype of the loss: at least 2.94e-39 in float32.
        ignore_index: a categorical code of this value leaves its row out of that code's loss and of its mean. A code
            that is ignored in every row adds nothing to the loss, and its ``nll`` is NaN. The codes of a ``LatentSeed``
            all count.
        return_terms: also return the mean negative log-likelihood of each code.
        weight_scale: float32 ``[m + C]`` on the head's device, which multiplies the weights and is not differentiated.
            For schedules: a compiled or captured step reads this tensor afresh, while each new weight would compile it
            again. Its values are not checked.

    Returns:
        The 0-d loss, float32 (float64 for a float64 head), differentiable in ``head`` any number of times, backward
        and forward, and under ``torch.func`` and ``vmap``; the kernels compute the loss and its first derivative, all
        else is PyTorch's own operations, at their speed. With ``return_terms``,
        ``(loss, nll)``, ``nll`` being ``[m + C]`` in nats, unweighted and detached: ``spec.entropy() - nll`` is L_I
        of codes that are drawn from the spec's priors.

    Raises:
        TypeError: a wrong dtype, or latents or weights of a wrong type.
        ValueError: wrong shapes or devices, an empty batch, weights that do not fit.
        IndexError: a code out of ``[0, K)``, on the CPU. On CUDA, where raising would mean waiting for the device, such
            a code makes the loss, its ``nll`` and the gradient of its logits in that row NaN; also in forward mode and
            under ``torch.func``.
        NotImplementedError: a derivative by the codes or ``weight_scale``; use ``infogan_fast.reference.info_loss``.
        RuntimeError: a second derivative after ``head`` or the codes were written to in place; an argument of a type
            that the op's declaration, which the message gives, does not have.
    """
    categorical, continuous, seed, offset, row_offset = _targets(latents, head, spec)
    tensors = head, categorical, continuous, seed
    terms: Any = NotImplemented
    if not torch.compiler.is_compiling() and not has_torch_function((*tensors, weight_scale)):
        settings = _settings(spec, categorical_weight, continuous_weight, variance, ignore_index)
        if settings is not None:
            terms = _C.info_loss(*tensors, offset, row_offset, settings, weight_scale)
    if terms is NotImplemented:
        constants = _constants(spec, categorical_weight, continuous_weight, variance, ignore_index)
        terms = torch.ops.infogan_fast.info_loss(
            *tensors, offset, row_offset, *constants[:5], weight_scale, *constants[5:]
        )
    loss, nll = terms
    return (loss, nll) if return_terms else loss


def _constants(
    spec: LatentSpec,
    categorical_weight: float | Sequence[float],
    continuous_weight: float | Sequence[float],
    variance: Variance,
    ignore_index: int,
) -> tuple[Any, ...]:
    """What the op takes beside tensors and offsets, in its order: five values before ``weight_scale``, three after."""
    fixed = fixed_variance(variance)
    return (
        spec.categorical,
        spec.continuous,
        spec.continuous_prior,
        per_code("categorical_weight", categorical_weight, len(spec.categorical)),
        per_code("continuous_weight", continuous_weight, spec.continuous),
        variance if fixed is None else "fixed",
        1.0 if fixed is None else fixed,
        ignore_index,
    )


def _settings(
    spec: LatentSpec,
    categorical_weight: float | Sequence[float],
    continuous_weight: float | Sequence[float],
    variance: Variance,
    ignore_index: int,
) -> Any:
    """``_constants`` as the compiled call takes them; None where a type is wrong, of which the op says more."""
    if isinstance(categorical_weight, list):
        categorical_weight = tuple(categorical_weight)
    if isinstance(continuous_weight, list):
        continuous_weight = tuple(continuous_weight)
    try:
        return _made_settings(spec, categorical_weight, continuous_weight, variance, ignore_index)
    except TypeError:
        return None


@functools.lru_cache(maxsize=64, typed=True)
def _made_settings(*arguments: Any) -> Any:
    for argument in arguments:
        if any(isinstance(value, Tensor) for value in (argument if isinstance(argument, tuple) else (argument,))):
            raise TypeError("a tensor may change in place, and is no key of a cache")
    return _C.InfoLossSettings(*_constants(*arguments))


def _targets(
    latents: Codes, head: Tensor, spec: LatentSpec
) -> tuple[Tensor | None, Tensor | None, Tensor | None, int, int]:
    """``(categorical, continuous, seed, offset, row_offset)``: either the codes, or where to draw them again."""
    if isinstance(latents, LatentSeed):
        return None, None, latents.seed, latents.offset, latents.row_offset
    if isinstance(latents, Latents):
        return latents.categorical, latents.continuous, None, 0, 0
    if isinstance(latents, (tuple, list)) and len(latents) == 2:
        categorical, continuous = latents
        rows = head.shape[0] if head.ndim > 0 else 0  # what is wrong with such a head, the op says
        if categorical is None and not spec.categorical:
            categorical = head.new_empty((rows, 0), dtype=torch.int64)
        if continuous is None and spec.continuous == 0:
            continuous = head.new_empty((rows, 0), dtype=torch.float32)
        return categorical, continuous, None, 0, 0
    raise TypeError(
        f"latents must be Latents, LatentSeed or a pair (categorical, continuous) of tensors, got {type(latents)}"
    )


def per_code(argument: str, weight: float | Sequence[float], count: int) -> Sequence[float]:
    """One weight per code, from one for all of them or a sequence.

    Raises:
        TypeError: neither a number nor a tuple or list of numbers.
    """
    if isinstance(weight, (tuple, list)):
        return weight
    if isinstance(weight, bool) or not isinstance(weight, (int, float, numbers.Real)):
        raise TypeError(f"{argument} must be a float or a tuple of one float per code, got {weight!r}")
    return (float(weight),) * count
