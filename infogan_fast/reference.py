"""The package's ops written in plain PyTorch: their specification, and the baseline that benchmarks measure against.

Every function has the signature and the meaning of its namesake in ``infogan_fast``; nothing here uses the compiled
extension.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan_fast.spec import Codes, Latents, LatentSeed, LatentSpec, Prior, Variance, fixed_variance

__all__ = ["info_loss", "philox4x32", "sample_latents"]

_MASK32 = 0xFFFFFFFF

# Top two bits of the column word of the counter: noise, categorical and continuous codes draw from separate columns,
# so that the codes of a row do not depend on how much noise there is.
_NOISE, _CATEGORICAL, _CONTINUOUS = 0 << 30, 1 << 30, 2 << 30


def _multiply(constant: int, word: Tensor) -> tuple[Tensor, Tensor]:
    """High and low 32 bits of ``constant * word`` for 32-bit words held in int64, without overflow."""
    low = constant * (word & 0xFFFF)
    middle = (low >> 16) + constant * (word >> 16)
    return middle >> 16, ((middle & 0xFFFF) << 16) | (low & 0xFFFF)


def philox4x32(counter: Sequence[Tensor], key: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Philox4x32-10 (Salmon et al. 2011): four random 32-bit words for each counter.

    Args:
        counter: four int64 tensors of 32-bit words, broadcastable with each other.
        key: two int64 tensors of 32-bit words.

    Returns:
        Four int64 tensors of 32-bit words.
    """
    c0, c1, c2, c3 = torch.broadcast_tensors(*counter)  # type: ignore[no-untyped-call]
    k0, k1 = key
    for _ in range(10):
        high0, low0 = _multiply(0xD2511F53, c0)
        high1, low1 = _multiply(0xCD9E8D57, c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + 0x9E3779B9) & _MASK32, (k1 + 0xBB67AE85) & _MASK32
    return c0, c1, c2, c3


def _uniform(word: Tensor) -> Tensor:
    """U(-1, 1) as an odd multiple of 2**-24: exact in float32, symmetric, never an end point."""
    return ((word >> 8) * 2 + (1 - 2**24)).to(torch.float32) * 2.0**-24


def _normal(word0: Tensor, word1: Tensor) -> tuple[Tensor, Tensor]:
    """Two N(0, 1) variables by Box and Muller, in float64 and rounded once."""
    radius_uniform = word0.to(torch.float32) * 2.0**-32 + 2.0**-33
    radius = torch.sqrt(-2.0 * torch.log(radius_uniform.double()))
    angle = (word1 >> 8).double() * (2.0 * math.pi * 2.0**-24)
    return (radius * torch.cos(angle)).float(), (radius * torch.sin(angle)).float()


def _draw(rows: Tensor, key: tuple[Tensor, Tensor], offset: int, domain: int, blocks: int) -> tuple[Tensor, ...]:
    """The four words of the first ``blocks`` counters of a domain, each ``[B, blocks]``."""
    columns = domain + torch.arange(blocks, device=rows.device)
    row = rows[:, None]
    return philox4x32((row & _MASK32, row >> 32, columns, torch.full_like(columns, offset)), key)


def _real_variables(words: tuple[Tensor, ...], prior: Prior, count: int) -> Tensor:
    """The first ``count`` real variables of each row, four to a counter: ``[B, count]`` float32."""
    variables: tuple[Tensor, ...]
    if prior == "normal":
        variables = _normal(words[0], words[1]) + _normal(words[2], words[3])
    else:
        variables = tuple(_uniform(word) for word in words)
    return torch.stack(variables, dim=2).flatten(1)[:, :count]


def _draw_codes(spec: LatentSpec, rows: Tensor, key: tuple[Tensor, Tensor], offset: int) -> tuple[Tensor, Tensor]:
    """Categorical ``[B, m]`` int64 and continuous ``[B, C]`` float32 codes of the given global rows."""
    m = len(spec.categorical)
    w0, w1, w2, w3 = _draw(rows, key, offset, _CATEGORICAL, (m + 1) // 2)
    high = torch.stack((w0, w2), dim=2).flatten(1)[:, :m]
    low = torch.stack((w1, w3), dim=2).flatten(1)[:, :m]
    if len(set(spec.categorical)) == 1:
        cardinality: int | Tensor = spec.categorical[0]
    else:
        cardinality = torch.tensor(spec.categorical, dtype=torch.int64, device=rows.device)
    categorical = (high * cardinality + ((low * cardinality) >> 32)) >> 32  # floor(64-bit word * K / 2**64)
    words = _draw(rows, key, offset, _CONTINUOUS, (spec.continuous + 3) // 4)
    return categorical, _real_variables(words, spec.continuous_prior, spec.continuous)


def _key(seed: Tensor) -> tuple[Tensor, Tensor]:
    seed = seed.reshape(())
    return seed & _MASK32, (seed >> 32) & _MASK32


def sample_latents(
    spec: LatentSpec,
    batch_size: int,
    seed: Tensor,
    offset: int = 0,
    row_offset: int = 0,
    dtype: torch.dtype = torch.float32,
) -> Latents:
    """``infogan_fast.sample_latents`` in plain PyTorch: the same bits, normal variables the same to a rounding."""
    rows = row_offset + torch.arange(batch_size, device=seed.device)
    key = _key(seed)
    categorical, continuous = _draw_codes(spec, rows, key, offset)
    noise_words = _draw(rows, key, offset, _NOISE, (spec.noise + 3) // 4)
    parts = [_real_variables(noise_words, spec.noise_prior, spec.noise).to(dtype)]
    for index, cardinality in enumerate(spec.categorical):
        parts.append(F.one_hot(categorical[:, index], cardinality).to(dtype))
    parts.append(continuous.to(dtype))
    return Latents(torch.cat(parts, dim=1), categorical, continuous)


def _codes(latents: Codes, spec: LatentSpec, head: Tensor) -> tuple[Tensor, Tensor]:
    if isinstance(latents, LatentSeed):
        rows = latents.row_offset + torch.arange(head.shape[0], device=latents.seed.device)
        return _draw_codes(spec, rows, _key(latents.seed), latents.offset)
    categorical, continuous = latents[-2:]
    if categorical is None:
        categorical = head.new_empty((head.shape[0], 0), dtype=torch.int64)
    if continuous is None:
        continuous = head.new_empty((head.shape[0], 0))
    return categorical, continuous


def _weighted_sum(terms: Tensor, weight: float | Sequence[float]) -> Tensor:
    if isinstance(weight, (int, float)):
        return weight * terms.sum()
    return (terms * torch.tensor(weight, dtype=terms.dtype, device=terms.device)).sum()


def _categorical_terms(
    logits: Sequence[Tensor], categorical: Tensor, ignore_index: int
) -> tuple[list[Tensor], list[Tensor]]:
    """Mean ``-log softmax(logits)[code]`` per code over the rows that count, and how many do."""
    terms, counts = [], []
    for index, logit in enumerate(logits):
        target = categorical[:, index]
        count = (target != ignore_index).sum()
        total = F.cross_entropy(logit, target, ignore_index=ignore_index, reduction="sum")
        terms.append(total / count.clamp(min=1))
        counts.append(count)
    return terms, counts


def _continuous_terms(mean: Tensor, log_variance: Tensor, continuous: Tensor, fixed: float | None) -> Tensor:
    """Mean ``-log N(c; mean, variance)`` per code, ``[C]``; the precision of a fixed variance is rounded once."""
    precision = torch.exp(-log_variance) if fixed is None else 1.0 / fixed
    squared = (continuous - mean).square() * precision
    return (0.5 * (log_variance + squared + math.log(2.0 * math.pi))).mean(0)


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
    """``infogan_fast.info_loss`` in plain PyTorch; half-precision heads are computed in float32.

    Unlike the op it can be differentiated any number of times, forward too, and by the codes and ``weight_scale``.
    """
    head = head if head.dtype == torch.float64 else head.float()
    categorical, continuous = _codes(latents, spec, head)
    if isinstance(latents, LatentSeed):  # codes that are drawn are never ignored
        ignore_index = -1
    logits, mean, log_variance = spec.split(head, variance)
    terms, counts = _categorical_terms(logits, categorical, ignore_index)
    categorical_terms = torch.stack(terms) if terms else head.new_zeros(0)
    continuous_terms = _continuous_terms(mean, log_variance, continuous.to(head.dtype), fixed_variance(variance))
    scaled_categorical, scaled_continuous = categorical_terms, continuous_terms
    if weight_scale is not None:
        scaled_categorical = categorical_terms * weight_scale[: len(terms)]
        scaled_continuous = continuous_terms * weight_scale[len(terms) :]
    loss = _weighted_sum(scaled_categorical, categorical_weight) + _weighted_sum(scaled_continuous, continuous_weight)
    if not return_terms:
        return loss
    unknown = torch.stack(counts) == 0 if counts else torch.zeros(0, dtype=torch.bool, device=head.device)
    return loss, torch.cat((categorical_terms.masked_fill(unknown, math.nan), continuous_terms)).detach()
