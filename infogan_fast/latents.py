"""Latent variables of one's own choice: G's input with some codes set and the others drawn from their priors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from infogan_fast.ops import new_seed, sample_latents
from infogan_fast.spec import Latents, LatentSpec

__all__ = ["CodeValues", "make_latents"]

#: Values for the codes of one kind: None to draw them; one number for all of these codes; a sequence with a number, a
#: ``[B]`` tensor or None per code; or a tensor or array with a value per row, ``[B, number of codes]``, or ``[B]``
#: where there is one such code.
CodeValues: TypeAlias = "float | Sequence[float | ArrayLike | Tensor | None] | ArrayLike | Tensor | None"


def make_latents(
    spec: LatentSpec,
    batch_size: int,
    categorical: CodeValues = None,
    continuous: CodeValues = None,
    seed: int | Tensor | None = None,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> Latents:
    """Latent variables with codes of one's own choice; noise, and codes that are None, are drawn from their priors.

    ``make_latents(spec, 8, categorical=2, continuous=(1.0, None), seed=0)``: eight rows of category 2, the first
    continuous code at 1 and the second drawn. What is drawn does not depend on what is set.

    Args:
        spec: the latent variables.
        batch_size: number of rows B, ``>= 1``.
        categorical: categories, each an integer from 0 to ``K_i - 1``; see ``CodeValues``.
        continuous: values of the continuous codes, any finite numbers: U(-1, 1) is where they were trained, and what
            lies beyond shows where a code leads.
        seed: what is drawn; the same rows for the same seed. An int, or a one-element int64 tensor as ``new_seed``
            makes it; None for one from torch's global generator.
        dtype: of ``input``.
        device: of the result; None for that of ``seed`` where that is a tensor, and the CPU otherwise.

    Returns:
        As ``sample_latents``.

    Raises:
        ValueError: a value is out of range, not finite, or of a shape other than those of ``CodeValues``.
        TypeError: a category is not an integer, or ``seed`` neither an int nor a tensor.
    """
    if isinstance(seed, Tensor):
        seed = seed if device is None else seed.to(device)
    elif seed is None:
        seed = new_seed(device or "cpu")
    elif isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        seed = torch.tensor(int(seed), dtype=torch.int64, device=device)
    else:
        raise TypeError(f"make_latents: seed must be an int, a tensor or None, got {seed!r}")
    drawn = sample_latents(spec, batch_size, seed, dtype=dtype)
    for code, values in enumerate(_per_code("categorical", categorical, len(spec.categorical), batch_size)):
        if values is not None:
            set_categorical(spec, drawn, code, _categories(values, code, spec.categorical[code]))
    for code, values in enumerate(_per_code("continuous", continuous, spec.continuous, batch_size)):
        if values is not None:
            if values.is_complex() or not values.float().isfinite().all():
                raise ValueError(f"make_latents: continuous[{code}] must be finite, got {_shown(values)}")
            set_continuous(spec, drawn, code, values)
    return drawn


def set_categorical(spec: LatentSpec, latents: Latents, code: int, categories: Tensor) -> None:
    """Give one categorical code other values, in place; they are not checked.

    Args:
        spec: the latent variables.
        latents: those of B rows.
        code: which categorical code, from 0.
        categories: int64 ``[B]`` or 0-d, from 0 to ``K - 1``.
    """
    categories = categories.to(latents.input.device)
    first = spec.noise + sum(spec.categorical[:code])
    one_hot = latents.input[:, first : first + spec.categorical[code]]
    one_hot.zero_().scatter_(1, categories.expand(len(one_hot))[:, None], 1.0)
    latents.categorical[:, code] = categories


def set_continuous(spec: LatentSpec, latents: Latents, code: int, values: Tensor) -> None:
    """Give one continuous code other values, ``[B]`` or 0-d, as ``set_categorical`` does."""
    latents.input[:, spec.noise + sum(spec.categorical) + code] = values.to(latents.input)
    latents.continuous[:, code] = values.to(latents.continuous)


def _per_code(name: str, values: CodeValues, codes: int, rows: int) -> list[Tensor | None]:
    """For each code of a kind its values, 0-d or ``[rows]``, or None where they are to be drawn."""
    if values is None:
        return [None] * codes
    if isinstance(values, (Tensor, np.ndarray)) and np.ndim(values) > 0:
        return list(_rows(f"make_latents: {name}", torch.as_tensor(values), codes, rows).unbind(1))
    if not isinstance(values, Sequence) or isinstance(values, str):
        values = [values] * codes
    if len(values) != codes:
        raise ValueError(
            f"make_latents: {name}: got {len(values)} values, allowed: one number for all, one per code ({codes}), or "
            f"a tensor with a value per row, [{rows}, {codes}]"
        )
    return [
        None if value is None else _value(f"make_latents: {name}[{code}]", value, rows)
        for code, value in enumerate(values)
    ]


def _rows(what: str, values: Tensor, codes: int, rows: int) -> Tensor:
    if values.ndim == 1 and codes == 1:
        values = values[:, None]
    if values.shape != (rows, codes):
        or_flat = f" or [{rows}]" if codes == 1 else ""
        raise ValueError(f"{what}: got a tensor {list(values.shape)}, allowed: [{rows}, {codes}]{or_flat}")
    return values


def _value(what: str, value: object, rows: int) -> Tensor:
    """One code's value, or its values."""
    try:
        tensor = torch.as_tensor(value, dtype=torch.float64 if isinstance(value, float) else None)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{what}: got {value!r}, allowed: a number, a tensor [{rows}], or None") from error
    if tensor.shape not in ((), (rows,)):
        raise ValueError(f"{what}: got a tensor {list(tensor.shape)}, allowed: a number, or [{rows}]")
    return tensor


def _categories(values: Tensor, code: int, cardinality: int) -> Tensor:
    if values.dtype == torch.bool or values.is_floating_point() or values.is_complex():
        raise TypeError(f"make_latents: categorical[{code}] must be integers, got {values.dtype}: {_shown(values)}")
    if values.numel() and not 0 <= int(values.min()) <= int(values.max()) < cardinality:
        raise ValueError(f"make_latents: categorical[{code}] must be in [0, {cardinality}), got {_shown(values)}")
    return values.to(torch.int64)


def _shown(values: Tensor) -> str:
    flat = values.flatten().tolist()
    return ", ".join(f"{value:g}" for value in flat[:5]) + (", ..." if len(flat) > 5 else "")
